internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// What a person or a script sees.
///
/// Results go to standard output. Everything else goes to standard error with `tcd: ` before it, lower case, without a
/// full stop. Nothing is ever asked.
enum Terminal {
    private static let firstFailure = Mutex<Errno?>(nil)

    /// Why results could not be written; nil as long as all of them could.
    static var failure: Errno? { firstFailure.withLock { $0 } }

    /// Writes one line of result, or several. Whatever is in them moves no cursor and hides nothing.
    static func say(_ text: String) {
        // Scripts for completions have tabs.
        let parts = text.split(separator: "\t", omittingEmptySubsequences: false)
        writeResult(parts.map { DisplayText.lines(String($0)).joined(separator: "\n") }.joined(separator: "\t"))
    }

    /// Writes one JSON object as a line of result.
    static func say(_ line: JSONLine) { writeResult(DisplayText.json(line.text)) }

    /// Writes one JSON object as a line of result.
    static func say(_ object: JSONObject) { writeResult(DisplayText.json(JSONValue.object(object).text(.compact))) }

    private static func writeResult(_ line: String) {
        guard let error = write(line + "\n", to: STDOUT_FILENO) else { return }
        firstFailure.withLock { $0 = $0 ?? error }
    }

    /// Writes one line of explanation.
    static func note(_ line: String) { write("tcd: " + DisplayText.line(line, atMost: .max) + "\n", to: STDERR_FILENO) }

    /// Writes one line about a failure.
    static func complain(_ line: String) { note(line) }

    /// Writes text without ending the line, for a progress bar.
    static func draw(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Whether standard error is watched by a person.
    static var isWatched: Bool { isatty(STDERR_FILENO) == 1 }

    /// Writes all of `text`, or says why not.
    @discardableResult
    private static func write(_ text: String, to descriptor: Int32) -> Errno? {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else { return Errno(rawValue: errno) }
            rest = rest.dropFirst(max(0, written))
        }
        return nil
    }
}
