internal import Fabric
internal import Glibc

/// The bytes of the arguments and the environment.
///
/// Swift replaces bytes that are not UTF-8, so a path with such bytes would name another file or directory. It is
/// refused instead.
enum CallerText {
    /// The variables whose values are used as paths.
    private static let variables = [
        "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
        "TIBET_CONFIG", "TIBET_IDENTITY", "TIBET_STATE",
    ]

    /// The first argument or variable that is not UTF-8, as an error; nil when all are.
    static func problem() -> (any ExplainedError)? {
        for index in 0..<Int(CommandLine.argc) {
            guard let argument = CommandLine.unsafeArgv[index] else { break }
            guard String(validatingCString: argument) == nil else { continue }
            return UsageError(
                "argument \(index), '\(DisplayText.line(String(cString: argument)))', is not UTF-8",
                remedy: "rename what it names, or reach it by another path")
        }
        for name in variables {
            guard let value = getenv(name), String(validatingCString: value) == nil else { continue }
            return ConfigurationError(
                name, "its value '\(DisplayText.line(String(cString: value)))' is not UTF-8",
                remedy: "set it to a path that is UTF-8")
        }
        return nil
    }
}
