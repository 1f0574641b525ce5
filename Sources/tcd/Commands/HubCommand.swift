internal import ArgumentParser
internal import Fabric
internal import Hub
internal import Logging
internal import UnixSignals

/// `tcd hub`
struct HubCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hub",
        abstract: "Serve mailboxes for agents that no one can reach, and look after them.",
        discussion: """
            Two agents without an open port hand each other envelopes and messages through a hub: mux channels, I-Poll \
            messages and the AINS registry on one port, kept on disk until their receivers have them. The Python \
            clients work with it unchanged.
            """,
        subcommands: [Serve.self, Register.self, Waiting.self, Discard.self, Status.self, Backup.self],
        defaultSubcommand: Serve.self)
}

extension HubCommand {
    /// `tcd hub serve`
    struct Serve: AsyncParsableCommand, ReportingCommand, EndsByItself {
        static let configuration = CommandConfiguration(
            abstract: "Serve until a signal ends it. What 'tcd hub' does when nothing else is said.",
            discussion: """
                Reading a mailbox, sending under a registered name and changing a record need a signature by the agent's \
                key. What is sent to a name that is not registered is refused unless --accept-unregistered is given. A hub \
                that other machines can reach needs a name that signed requests are for: --name, or those of its \
                certificate. Requests of web pages are refused. With --open nothing is checked, as the peers' servers have it; such a hub listens to this machine \
                only unless --open-to-the-network is given as well.

                Prints one line when it listens: on standard error, or with --json as an object on standard output. \
                SIGTERM and SIGINT end it: no more connections are taken, requests under way are finished, those that \
                wait are answered at once. Under systemd it tells when it is ready and that it is alive (Type=notify, \
                WatchdogSec=).

                Exit status: 0 ended by a signal, 69 the address cannot be had, 78 the configuration cannot be used.
                """)

        @OptionGroup var options: HubOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let configuration = try options.configuration()
            let (isJSON, level) = (output.json, output.verbose ? Logger.Level.debug : .info)
            let logger = Logger(label: "hub") { _ in HubLog(isJSON: isJSON, level: level) }
            // From here on a signal ends the hub in good order.
            let signals = Task {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
            }
            let server = HubServer(configuration: configuration, logger: logger)
            let address = try await server.start()
            announce(address, configuration)
            let manager = ServiceManager()
            manager.ready("listening on \(address)")
            let watchdog = Task {
                guard let interval = manager.watchdogInterval else { return }
                while !Task.isCancelled {
                    if await server.isHealthy { manager.alive() }
                    try await Task.sleep(for: interval)
                }
            }
            await signals.value
            watchdog.cancel()
            manager.stopping()
            await server.stop(within: configuration.limits.stopTime)
        }

        private func announce(_ address: HubAddress, _ configuration: HubConfiguration) {
            if configuration.isOpen {
                Terminal.note("this hub is open: nothing is checked, and every name is who it says")
            }
            guard output.json else {
                Terminal.note("hub listening on \(address), store '\(configuration.storeName)'")
                return
            }
            Terminal.say(
                JSONLine([
                    ("event", "listening"), ("url", .text(address.description)),
                    ("port", .number(Int64(address.port))), ("store", .text(configuration.storeName)),
                    ("open", .flag(configuration.isOpen)),
                ]))
        }
    }

    /// `tcd hub backup`
    struct Backup: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a hub's store into a new file while the hub runs.",
            discussion: """
                The copy is a store of its own, as it was at one moment. What is in PostgreSQL is backed up with pg_dump.
                """)

        @Argument(help: ArgumentHelp("The file to make. It must not exist.", valueName: "file"))
        var file: String

        @OptionGroup var place: HubStoreOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let bytes = try await HubBackup.copy(try place.location(), to: file)
            if output.json {
                Terminal.say(JSONLine([("event", "backup"), ("file", .text(file)), ("bytes", .number(bytes))]))
            } else {
                Terminal.say("\(file)  \(Quantity.bytes(bytes))")
            }
        }
    }
}
