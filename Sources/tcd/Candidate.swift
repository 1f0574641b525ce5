internal import CarrierHTTP
internal import Fabric
internal import FoundationEssentials
internal import SystemPackage

/// An envelope in the inbox that is to be dealt with, and what is known of how it came.
struct Candidate: Sendable {
    let requestedName: ArrivalName
    let storedName: ArrivalName
    let size: Int64
    let digest: Digest
    let authentication: HTTPArrival.Authentication
    let remoteAddress: String?
    let date: Timestamp
    let resumedFrom: Int64
    /// Whether the inbox held it before it was delivered.
    let isDuplicate: Bool
    /// Who sent it, as the hub says that it came from; nil where it came another way.
    let sender: ArrivalSender?

    init(_ arrival: HTTPArrival) {
        requestedName = arrival.requestedName
        storedName = arrival.publication.storedName
        size = arrival.publication.size
        digest = arrival.publication.digest
        authentication = arrival.authentication
        remoteAddress = arrival.remoteAddress
        date = arrival.date
        resumedFrom = arrival.resumedFrom
        isDuplicate = arrival.publication.outcome == .duplicate
        sender = nil
    }

    /// What a carrier brought into the inbox just now, and who sent it.
    init(_ publication: Publication, from sender: ArrivalSender?) {
        requestedName = publication.requestedName
        storedName = publication.storedName
        size = publication.size
        digest = publication.digest
        authentication = .none
        remoteAddress = nil
        date = .now()
        resumedFrom = 0
        isDuplicate = publication.outcome == .duplicate
        self.sender = sender
    }

    private init(found name: ArrivalName, size: Int64, digest: Digest) {
        requestedName = name
        storedName = name
        self.size = size
        self.digest = digest
        authentication = .none
        remoteAddress = nil
        date = .now()
        resumedFrom = 0
        isDuplicate = false
        sender = nil
    }

    /// The envelopes in `inbox` that `ledger` knows nothing of. What cannot be read as an envelope is left alone.
    static func backlog(in inbox: FilePath, unknownTo ledger: TransferLedger) throws -> [Candidate] {
        let names = try FileManager.default.contentsOfDirectory(atPath: inbox.string).sorted()
        return names.filter { $0.hasSuffix(".tza") }.compactMap(ArrivalName.init).compactMap { name in
            // The transfer id alone tells whether it came before, so that not every file is hashed at each start.
            guard let envelope = try? EnvelopeFile(path: inbox.appending(name.text)),
                (try? ledger.knows(envelope.manifest)) == false, let digest = try? envelope.digest()
            else { return nil }
            return Candidate(found: name, size: envelope.size, digest: digest)
        }
    }
}
