internal import FoundationEssentials
internal import Glibc

/// What holds for this process, and who said so.
struct Configuration {
    /// Who set a value.
    enum Origin: Equatable {
        case flag(String)
        case variable(String)
        case file(String)
        case fallback
    }

    private let file: ConfigurationFile?
    private let environment: [String: String]

    /// Reads the environment and the configuration file.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        self.environment = environment
        file = try ConfigurationFile.find(environment: environment)
    }

    /// Where the configuration file is; nil when there is none.
    var path: String? { file?.path }

    /// Fills in what the environment leaves unset, so that everything below reads one place. To be called before there
    /// are other threads.
    func apply() {
        for setting in Setting.all where isUnset(setting.variable) {
            guard let value = file?.values[setting.key] else { continue }
            setenv(setting.variable, value, 1)
        }
    }

    /// The value of `setting` for a command with these arguments, and who set it.
    func value(of setting: Setting, arguments: [String] = []) -> (text: String, origin: Origin) {
        if let flag = setting.flag, let text = Self.value(of: flag, in: arguments) { return (text, .flag(flag)) }
        if let text = environment[setting.variable], !text.isEmpty { return (text, .variable(setting.variable)) }
        if let file, let text = file.values[setting.key] { return (text, .file(file.path)) }
        return (setting.fallback, .fallback)
    }

    private func isUnset(_ variable: String) -> Bool { environment[variable, default: ""].isEmpty }

    /// What stands after `flag`, or after `flag=`.
    private static func value(of flag: String, in arguments: [String]) -> String? {
        guard let place = arguments.lastIndex(where: { $0 == flag || $0.hasPrefix(flag + "=") }) else { return nil }
        if arguments[place] != flag { return String(arguments[place].dropFirst(flag.count + 1)) }
        return place + 1 < arguments.count ? arguments[place + 1] : nil
    }
}
