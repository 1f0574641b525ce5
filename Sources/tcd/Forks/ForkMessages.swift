internal import CarrierIPoll
internal import Fabric
internal import HubClient
internal import SystemPackage
internal import Triage

/// Forks that come as messages to a mailbox of a hub.
struct ForkMessages: Sendable {
    private let mailbox: PollMailbox

    /// The forks in the mailbox of `client`.
    ///
    /// - Parameters:
    ///   - lease: For how long each is held at a hub that can.
    ///   - state: Where is remembered what was dealt with, for servers that hold nothing.
    init(_ client: IPollClient, lease: Duration, state: FilePath) {
        var selection = PollMailbox.Selection([.fork], types: [.task])
        selection.lease = lease
        let seen = SeenPolls(
            in: state.appending("seen-polls"), server: client.server.base, mailbox: client.agent.name)
        mailbox = PollMailbox(client, selection, seen: seen)
    }

    /// Waits for the next one.
    func next() async throws(CarrierError) -> OfferedFork {
        while true {
            let held = try await mailbox.next()
            guard let message = ForkMessage(held.message.raw) else {
                // What the hub calls a fork and no reader would take for one.
                try? await held.settle(.refuse("it hands over no fork"))
                continue
            }
            return OfferedFork(
                form: .message(message, key: held.message.proof.key, hub: mailbox.client.server.base), lease: held.lease
            ) { settlement in try await held.settle(settlement) }
        }
    }
}
