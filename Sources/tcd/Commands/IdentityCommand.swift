internal import ArgumentParser
internal import Fabric
internal import SystemPackage

/// `tcd identity`
struct IdentityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Create and show the identity that envelopes are signed with.",
        discussion: """
            An identity is a directory that the Python peers can read too: identity.priv (32 bytes, mode 0600), \
            identity.pub and identity.json. 'tcd send' and 'tcd seal' create one when there is none, and say so.
            """, subcommands: [Init.self, Show.self])

    /// `tcd identity init`
    struct Init: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "init", abstract: "Create an identity. One that exists is never overwritten.")

        @OptionGroup(title: "Identity") var identity: IdentityOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let directory = try identity.directory()
            output.explain("creating the identity in '\(directory.path)'")
            let created = try directory.create(name: identity.aint ?? Identity.defaultName)
            IdentityReport(created, in: directory.path, event: "created").tell(json: output.json)
        }
    }

    /// `tcd identity show`
    struct Show: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Show the identity.")

        @OptionGroup(title: "Identity") var identity: IdentityOptions
        @OptionGroup var output: OutputOptions

        func run() throws {
            let directory = try identity.directory()
            output.explain("reading the identity in '\(directory.path)'")
            IdentityReport(try directory.load(), in: directory.path, event: "identity").tell(json: output.json)
        }
    }
}

/// An identity as people and programs read it. The private key is never part of it.
struct IdentityReport {
    private let identity: Identity
    private let path: FilePath
    private let event: String

    init(_ identity: Identity, in path: FilePath, event: String) {
        self.identity = identity
        self.path = path
        self.event = event
    }

    func tell(json: Bool) {
        guard !json else {
            Terminal.say(
                JSONLine([
                    ("event", .text(event)), ("aint", .text(identity.name)),
                    ("pubkey_hex", .text(identity.publicKey.hex)),
                    ("fingerprint_hex", .text(identity.publicKey.fingerprint.hex)), ("path", .text(path.string)),
                ]))
            return
        }
        Terminal.say("name         \(identity.name)")
        Terminal.say("public key   \(identity.publicKey)")
        Terminal.say("fingerprint  \(identity.publicKey.fingerprint.hex)")
        Terminal.say("directory    \(DisplayText.line("\(path)"))")
    }
}
