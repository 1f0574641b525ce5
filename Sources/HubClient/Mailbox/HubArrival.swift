package import Fabric

/// One envelope that a hub leased to us: in the frame or message itself, or as a blob beside it.
///
/// What was said about it is remembered here, so that the same settlement twice asks the hub once, and another one is
/// told apart without asking. Copies share that memory.
package struct HubArrival: Arrival {
    /// Where the bytes are.
    package enum Content: Sendable {
        /// They came with the lease.
        case inline([UInt8])
        /// The hub holds them under this id.
        case blob(String)
    }

    package let requestedName: ArrivalName
    package let claimedDigest: Digest
    package let size: Int64
    package let lease: Duration?
    /// Where the bytes are.
    package let content: Content
    package let sender: ArrivalSender?

    private let client: HubClient
    private let mailbox: HubMailbox
    private let agent: HubAgent
    private let leaseID: String
    private let log = SettlementLog()

    /// An arrival from its claims, and from what the hub says of its sender in the lease.
    ///
    /// - Parameters:
    ///   - agent: Whose mailbox it was leased from.
    ///   - client: Who leased it.
    package init(
        _ lease: HubLease, from mailbox: HubMailbox, of agent: HubAgent, by client: HubClient, name: ArrivalName,
        digest: Digest, size: Int64, content: Content, sender: String?
    ) {
        requestedName = name
        claimedDigest = digest
        self.size = size
        self.lease = lease.duration
        self.content = content
        self.sender = sender.map { ArrivalSender(name: $0, proof: lease.proof) }
        self.client = client
        self.mailbox = mailbox
        self.agent = agent
        leaseID = lease.id
    }

    package func copy(into sink: any EnvelopeSink, from offset: Int64) async throws(CopyError) {
        switch content {
        case .inline(let bytes):
            guard Int64(bytes.count) == size else {
                throw .source(
                    CarrierError(
                        .corrupted, .giveUp,
                        "\(client.purpose): '\(requestedName)' has \(bytes.count) bytes where \(size) were announced"))
            }
            guard offset < size else { return }
            try await BlockingCall.run { _ throws(CopyError) in
                do throws(LaneError) {
                    try bytes[Int(offset)...].withUnsafeBufferPointer { rest throws(LaneError) in
                        try sink.write(UnsafeRawBufferPointer(rest))
                    }
                } catch {
                    throw .sink(error)
                }
            }
        case .blob(let id):
            try await BlobDownload(client: client, id: id, name: requestedName, size: size).copy(
                into: sink, from: offset)
        }
    }

    package func settle(_ settlement: Settlement) async throws(SettlementError) {
        try await log.settle(settlement) { () async throws(SettlementError) in
            // Told even when the calling task was cancelled meanwhile: what is durable need not be offered again, and
            // what is given up need not wait until the lease is over.
            let (client, leaseID, mailbox, agent) = (client, leaseID, mailbox, agent)
            let telling = Task { () -> Result<Void, SettlementError> in
                do throws(SettlementError) {
                    return .success(try await client.settle(leaseID, in: mailbox, of: agent, settlement))
                } catch {
                    return .failure(error)
                }
            }
            try await telling.value.get()
        }
    }
}
