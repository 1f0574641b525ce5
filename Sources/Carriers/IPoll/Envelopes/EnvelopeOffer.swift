internal import Fabric
internal import HubClient

/// What a message about an envelope comes to for whoever receives.
enum EnvelopeOffer {
    /// The bytes are there to be had.
    case arrival(any Arrival)
    /// They are not: somebody spoke of an envelope.
    case reference(EnvelopeReference)
    /// It claims what cannot be, and why.
    case unusable(String)

    /// What `poll`, from the mailbox at `place`, comes to.
    init(_ poll: HeldPoll, at place: HubRoute, over connections: HubConnections) {
        guard let notice = EnvelopeNotice(poll.message) else {
            self = .unusable("it names no envelope")
            return
        }
        guard let blob = notice.blob, let lease = poll.hubLease else {
            self = .reference(EnvelopeReference(poll.message, notice))
            return
        }
        guard let name = ArrivalName(notice.name) else {
            self = .unusable("its name cannot be one of a file")
            return
        }
        guard HubBlob.isID(blob), let digest = notice.envelopeDigest, let size = notice.size, size >= 0 else {
            self = .unusable("it does not say which bytes it brings")
            return
        }
        let hub = connections.client(
            at: place.address, as: place.agent, purpose: "cannot fetch '\(name)' for '\(place.agent)'")
        self = .arrival(
            HubArrival(
                lease, from: .ipoll, of: place.agent, by: hub, name: name, digest: digest, size: size,
                content: .blob(blob), sender: poll.message.sender))
    }
}
