internal import Fabric
internal import SystemPackage
internal import Triage

/// A fork that came in, held for this listener until it is settled.
struct OfferedFork: Sendable {
    /// In what it came.
    enum Form: Sendable {
        /// In a message of the hub at `hub`, which proved its sender by `key`; nil where it proved nothing.
        case message(ForkMessage, key: PublicKey?, hub: String)
        /// In the envelope in a file, under the name that its sender asked for.
        case envelope(FilePath, requestedName: String)
        /// In a message that was kept before, with what was written down about it then.
        case kept(ForkToken, announced: String?, ForkEvidence.Origin)
    }

    /// The mailbox that an envelope was sent from, at the hub that brought it.
    struct Mailbox: Sendable, Equatable {
        let hub: String
        let agent: String

        /// The mailbox as a target of deliveries; nil where the agent's name cannot be one.
        var target: DeliveryTarget? {
            guard MailboxName.isPlain(agent) else { return nil }
            return DeliveryTarget("\(hub)#\(MailboxName.normalized(agent))", transport: "ipoll")
        }
    }

    let form: Form
    /// Where an envelope came from; nil where no hub brought it.
    var mailbox: Mailbox?
    /// For how long it is held, from now on; nil for as long as this process lives.
    var lease: Duration?
    /// Tells the source what became of it.
    let settle: @Sendable (Settlement) async throws -> Void

    /// Does `body` while the lease is extended each time that half of it has gone by.
    func held<Value: Sendable>(while body: () async throws -> Value) async rethrows -> Value {
        guard let lease else { return try await body() }
        let settle = settle
        let keeper = Task {
            while (try? await Task.sleep(for: lease / 2)) != nil {
                // If it is lost, settling will say so.
                try? await settle(.extend(lease))
            }
        }
        defer { keeper.cancel() }
        return try await body()
    }
}
