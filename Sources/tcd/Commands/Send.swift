internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd send`
struct Send: AsyncParsableCommand, ReportingCommand {
    static let configuration = CommandConfiguration(
        abstract: "Seal something and deliver it.",
        discussion: """
            An envelope is signed, not encrypted: every host, hub and proxy on the way can read it.

            The envelope is sealed once into the outbox, on stable storage, before the first byte leaves. The routes to \
            the target are tried in order until one of them brings it there. What cannot be delivered now stays in the \
            outbox, the exit status is 75, and the message says when it is tried again by 'tcd outbox drain'. \
            Whatever is retried is the very same envelope, and a receiver takes it once.

            TARGETS
              jis:ORG:SERVICE@HOST                  a name; 'tcd resolve NAME' shows its routes
              http://HOST:PORT, https://HOST:PORT   an HTTP inbox, for example 'tcd recv'
              [USER@]HOST:PATH, scp://USER@HOST:PORT/PATH
                                                    a directory on another host, over ssh
              DIRECTORY (with a slash in it)        a directory of this machine
              anything, with --transport NAME       whatever the plug-in 'tcd-carrier-NAME' makes of it
            """)

    @Argument(
        help: ArgumentHelp("What to send: a file or a directory; '-' for standard input.", valueName: "path"),
        completion: .file())
    var path: String

    @OptionGroup(title: "Delivery") var delivery: DeliveryOptions

    @Flag(name: .long, help: "The path is an envelope already: send it as it is, under its own name.")
    var sealed = false

    @OptionGroup(title: "Envelope") var envelope: EnvelopeOptions
    @OptionGroup var dispatch: DispatchOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        try delivery.check()
        try dispatch.check()
        if !sealed { try envelope.check(path) }
        let courier = try Courier(delivery, dispatch, output: output)
        try await courier.send(try consignment(from: courier.senderName))
    }

    private func consignment(from name: String) throws -> Consignment {
        if sealed { return .sealed(FilePath(path)) }
        let moment = Timestamp.now()
        let surface = try envelope.surface(at: moment)
        return .content(
            try envelope.input(path), surface,
            try envelope.options(senderName: name, surface: surface, at: moment))
    }
}
