internal import ArgumentParser

/// `tcd poll`
struct PollCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "poll", abstract: "Send and read the messages of an I-Poll server.",
        discussion: """
            Messages are notes between agents, in clear text at the server; what must be proven travels in an \
            envelope. Neither is encrypted. \
            PUSH tells, PULL asks, SYNC exchanges states, TASK hands work over, ACK acknowledges.

            The agent that sends or reads is that of the identity's name: 'alice' or 'alice.aint' as it is, \
            'jis:ORG:SERVICE@HOST' by its host. Requests are signed with the identity's key.
            """,
        subcommands: [
            PollSend.self, PollPull.self, PollRespond.self, PollHistory.self, PollStatus.self,
        ])
}
