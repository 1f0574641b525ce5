internal import ArgumentParser

/// `tcd config`
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Show what is configured, and where.", subcommands: [Explain.self])

    /// `tcd config explain`
    struct Explain: ParsableCommand, ReportingCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain", abstract: "Show each setting, its value, and who set it.",
            discussion: """
                A flag goes before a variable of the environment, that before the configuration file, that before the \
                default. The file is $TIBET_CONFIG, else tibet/tcd.toml below $XDG_CONFIG_HOME (~/.config), else \
                /etc/tibet/tcd.toml; only the first that exists is read. It is TOML: 'stall-timeout = 60' below \
                '[send]' is the setting 'send.stall-timeout'.

                With a command line after '--' the values are those that it would run with:
                  tcd config explain -- send report.pdf --to http://host:8443 --stall-timeout 5
                """)

        @OptionGroup var output: OutputOptions

        @Argument(parsing: .postTerminator, help: ArgumentHelp("The command line to explain.", valueName: "argument"))
        var arguments: [String] = []

        func run() throws {
            let configuration = try Configuration()
            if !output.json {
                Terminal.say("configuration file: \(configuration.path ?? "none")")
            }
            for setting in Setting.all {
                let (text, origin) = configuration.value(of: setting, arguments: arguments)
                output.json ? tellProgram(setting, text, origin) : tellPerson(setting, text, origin)
            }
        }

        private func tellPerson(_ setting: Setting, _ text: String, _ origin: Configuration.Origin) {
            let shown = text.isEmpty ? "(none)" : VerdictReport.shown(text)
            Terminal.say("\(setting.key) = \(shown)")
            let source =
                switch origin {
                case .flag(let flag): "flag \(flag)"
                case .variable(let name): "environment, \(name)"
                case .file(let path): path
                case .fallback: "default"
                }
            let setters = ([setting.flag, setting.variable].compactMap(\.self)).joined(separator: ", ")
            Terminal.say("    from: \(source); set by: \(setters)")
            Terminal.say("    \(setting.summary)")
        }

        private func tellProgram(_ setting: Setting, _ text: String, _ origin: Configuration.Origin) {
            let (source, place): (String, String?) =
                switch origin {
                case .flag(let flag): ("flag", flag)
                case .variable(let name): ("environment", name)
                case .file(let path): ("file", path)
                case .fallback: ("default", nil)
                }
            Terminal.say(
                JSONLine([
                    ("event", "setting"), ("key", .text(setting.key)), ("value", .text(text)),
                    ("origin", .text(source)), ("place", .init(place)), ("variable", .text(setting.variable)),
                    ("flag", .init(setting.flag)), ("summary", .text(setting.summary)),
                ]))
        }
    }
}
