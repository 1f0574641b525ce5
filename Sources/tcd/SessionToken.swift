internal import Fabric
internal import SystemPackage

/// A session token in a file: as the peers keep it (`ipoll.md`, section 7: JSON with `session_token` and `expires_at`), or
/// alone on the first line. Never on the command line, where others could see it.
struct SessionToken {
    /// The token.
    let text: String

    /// The largest file that is read, in bytes.
    private static let largest = 64 << 10

    /// Reads the token from `path`.
    ///
    /// - Throws: `SessionProblem` when there is none, or it is over.
    init(file path: FilePath, at moment: Timestamp = .now()) throws {
        guard let bytes = try ReplaceableFile.read(path, atMost: Self.largest) else {
            throw SessionProblem("there is no session token in '\(path)': the file is missing", remedy: nil)
        }
        if let object = (try? JSONValue(parsing: bytes))?.object {
            guard let token = object["session_token"]?.text else {
                throw SessionProblem("there is no session token in '\(path)': it has no session_token", remedy: nil)
            }
            if let text = object["expires_at"]?.text, let end = Timestamp(iso8601: text), end.seconds <= moment.seconds
            {
                throw SessionProblem(
                    "the session in '\(path)' ended at \(end.iso8601)", remedy: "claim the name again, as you did first"
                )
            }
            self.text = token
        } else {
            let line = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
            self.text = String(line)
        }
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw SessionProblem("what stands in '\(path)' is no session token", remedy: nil)
        }
    }
}

/// A session token that cannot be used.
struct SessionProblem: ExplainedError {
    let explanation: String
    let remedy: String?

    init(_ explanation: String, remedy: String?) {
        self.explanation = explanation
        self.remedy = remedy ?? "name the file that holds it with --ipoll-session or TIBET_IPOLL_SESSION"
    }

    var category: FailureCategory { .configuration }
}
