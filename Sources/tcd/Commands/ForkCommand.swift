internal import ArgumentParser

/// `tcd fork`
struct ForkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork", abstract: "Hand work over to another actor, and take it up.",
        discussion: """
            A fork token says where somebody stopped, why, and what whoever goes on must be able to do. Its form, its \
            hash and its messages are those of 'tibet-triage', which reads and writes the same. Beyond that, a token \
            travels as a sealed envelope together with the files that it needs, over any transport, so that a receiver \
            can prove who handed over what.

            Nothing in a token is executed or opened. 'fork listen' executes its command for the forks of known senders, \
            those whose keys are pinned; what else is found wrong is written down beside the fork, and decides only with \
            --strict.
            """,
        subcommands: [Create.self, Verify.self, Send.self, Listen.self, Acknowledge.self])
}
