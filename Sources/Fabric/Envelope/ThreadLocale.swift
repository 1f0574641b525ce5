internal import Glibc

/// What libarchive takes names for, whatever the environment of the process says.
enum ThreadLocale: String {
    /// For writing: names are UTF-8, and those that are not are marked as bytes.
    case utf8 = "C.UTF-8"
    /// For reading: names are bytes. Under UTF-8 libarchive would compose what was decomposed, so that a file comes
    /// back under another name, or two files under one.
    case bytes = "C"

    /// Runs `body` with this thread's character set being this one.
    func run<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        guard let locale = newlocale(Int32(1 << LC_CTYPE), rawValue, nil) else { return try body() }
        let previous = uselocale(locale)
        defer {
            uselocale(previous)
            freelocale(locale)
        }
        return try body()
    }
}
