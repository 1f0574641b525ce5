internal import Glibc

/// Lets libarchive read and write names as UTF-8, whatever the environment of the process says.
enum UTF8Locale {
    /// Runs `body` with this thread's character set being UTF-8.
    static func run<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        guard let locale = newlocale(Int32(1 << LC_CTYPE), "C.UTF-8", nil) else { return try body() }
        let previous = uselocale(locale)
        defer {
            uselocale(previous)
            freelocale(locale)
        }
        return try body()
    }
}
