internal import ArgumentParser
internal import CarrierConformance
internal import CarrierExec
internal import Fabric

/// `tcd carrier`
struct CarrierCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carrier", abstract: "Show and test the ways of carrying envelopes.",
        discussion: """
            Besides the carriers that are built in, a program 'tcd-carrier-NAME' in one of the directories of \
            TIBET_CARRIER_PATH or PATH carries what is sent with '--transport NAME'.
            """, subcommands: [List.self, Test.self])

    /// `tcd carrier list`
    struct List: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show the carriers that are built in, and the plug-ins that are found.")

        @OptionGroup var output: OutputOptions

        func run() async throws {
            for carrier in Composition.builtIn {
                CarrierReport(name: carrier.schemes.joined(separator: ","), carrier: carrier).tell(json: output.json)
            }
            for plugin in Composition.pluginPath.plugins() {
                output.explain("starting '\(plugin.path)'")
                do throws(CarrierError) {
                    let carrier = try await ExecCarrier.open(plugin, environment: Composition.environment)
                    CarrierReport(name: plugin.name, carrier: carrier, plugin: plugin).tell(json: output.json)
                } catch {
                    CarrierReport(name: plugin.name, plugin: plugin, error: error).tell(json: output.json)
                }
            }
        }
    }

    /// `tcd carrier test`
    struct Test: AsyncParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Run the conformance suite over a plug-in.",
            discussion: """
                Nothing but test envelopes is sent, to places below the address. What arrived is looked at in the \
                directory that --far-side names, or through the plug-in itself if it can list. A plug-in that receives \
                is expected to offer along a route what was delivered along it.

                Exits with 0 when every case passed or was excused, and with 1 when one failed.
                """)

        @Argument(help: ArgumentHelp("The plug-in: what follows 'tcd-carrier-'.", valueName: "name"))
        var name: String

        @Option(name: .long, help: ArgumentHelp("Where to deliver, as the plug-in reads it.", valueName: "address"))
        var route: String

        @Option(
            name: .long,
            help: ArgumentHelp("The directory of this machine in which the address ends.", valueName: "directory"))
        var farSide: String?

        @Option(
            name: .long, help: ArgumentHelp("How long the plug-in may move nothing.", valueName: "time"))
        var stallTimeout: TimeSpan = 30

        @Flag(name: .long, help: "Also send more than 4 GiB.")
        var large = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard (1...3600).contains(stallTimeout) else {
                throw UsageError("--stall-timeout: expected a time from 1 to 3600 seconds, got '\(stallTimeout)'")
            }
            guard let plugin = Composition.pluginPath.plugin(named: name) else {
                throw UsageError(
                    "there is no plug-in '\(name)'",
                    remedy: "put 'tcd-carrier-\(name)' into a directory of TIBET_CARRIER_PATH or PATH")
            }
            var limits = PluginLimits()
            limits.stallTime = .seconds(stallTimeout.seconds)
            let subject = try await PluginSubject(plugin, address: route, farSide: farSide, limits: limits)
            var tally = Tally()
            let suite = ConformanceSuite(includesLarge: large, patience: .seconds(120 + 8 * stallTimeout.seconds))
            for await result in suite.run(over: subject) {
                tally.count(result)
                ConformanceReport(result).tell(json: output.json)
            }
            tally.tell(name, json: output.json)
            if tally.failed > 0 { throw ExitStatus.invalid.code }
        }
    }
}

/// How many cases ended how.
private struct Tally {
    private(set) var passed = 0
    private(set) var failed = 0
    private(set) var excused = 0

    mutating func count(_ result: ConformanceResult) {
        switch result.outcome {
        case .passed: passed += 1
        case .failed: failed += 1
        case .excused: excused += 1
        }
    }

    func tell(_ name: String, json: Bool) {
        guard !json else {
            Terminal.say(
                JSONLine([
                    ("event", "tested"), ("name", .text(name)), ("passed", .number(Int64(passed))),
                    ("failed", .number(Int64(failed))), ("excused", .number(Int64(excused))),
                ]))
            return
        }
        Terminal.say("\(name): \(passed) passed, \(failed) failed, \(excused) excused")
    }
}
