internal import Fabric
internal import HubClient

/// An envelope in a frame of a peer's server. It is in memory as a whole, as the server hands it over.
///
/// The server is told nothing of single frames: what became of this one is remembered here, and the channel is closed
/// when all its frames were dealt with. Dropped without a settlement, it is offered again.
final class PeerArrival: Arrival {
    let requestedName: ArrivalName
    let claimedDigest: Digest
    let size: Int64
    /// Nobody but this process holds it, and for as long as it is here.
    let lease: Duration? = nil

    private let place: PeerMailbox.Place
    private let framesSent: Int64
    let sender: ArrivalSender?
    private let bytes: [UInt8]
    private let reader: PeerMailboxReader
    private let log = SettlementLog()

    /// - Parameter framesSent: How many frames the channel was seen to have.
    init(
        _ frame: MuxFrame, at place: PeerMailbox.Place, of framesSent: Int64, sender: String?, reader: PeerMailboxReader
    ) {
        requestedName = frame.name
        claimedDigest = frame.digest
        size = frame.size
        bytes = if case .inline(let bytes) = frame.content { bytes } else { [] }
        self.place = place
        self.framesSent = framesSent
        // A peer's server proves no sender, whatever its answers say.
        self.sender = sender.map { ArrivalSender(name: $0, proof: .unproven) }
        self.reader = reader
    }

    deinit {
        if log.final == nil { reader.release(place, after: .zero) }
    }

    func copy(into sink: any EnvelopeSink, from offset: Int64) async throws(CopyError) {
        let bytes = bytes
        guard offset < size, Int64(bytes.count) == size else {
            guard Int64(bytes.count) != size else { return }
            throw .source(
                CarrierError(
                    .corrupted, .giveUp, "'\(requestedName)' has \(bytes.count) bytes where \(size) were announced"))
        }
        try await BlockingCall.run { _ throws(CopyError) in
            do throws(LaneError) {
                try bytes[Int(offset)...].withUnsafeBufferPointer { rest throws(LaneError) in
                    try sink.write(UnsafeRawBufferPointer(rest))
                }
            } catch {
                throw .sink(error)
            }
        }
    }

    func settle(_ settlement: Settlement) async throws(SettlementError) {
        try await log.settle(settlement) { () async throws(SettlementError) in
            do throws(CarrierError) {
                try await tell(settlement)
            } catch {
                throw .notTold(error)
            }
        }
    }

    private func tell(_ settlement: Settlement) async throws(CarrierError) {
        switch settlement {
        case .extend: break
        case .release(let time): reader.release(place, after: time)
        case .commit: try await reader.finish(place, of: framesSent)
        case .refuse(let reason):
            try await reader.finish(place, of: framesSent)
            reader.configuration.report(
                .frameRejected(channel: place.channel, seq: place.seq, sender: sender?.name, reason: reason))
        }
    }
}
