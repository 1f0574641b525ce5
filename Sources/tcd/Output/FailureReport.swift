internal import Fabric

/// A failure as programs read it.
struct FailureReport {
    let error: any ExplainedError

    /// The exit code for it.
    var status: ExitStatus { ExitStatus(for: error) }

    /// The documented keys of an error (`docs/scripting.md`).
    var fields: [(String, JSONLine.Value)] {
        [
            ("event", "error"), ("category", .text(error.category.rawValue)), ("message", .text(error.explanation)),
            ("remedy", .init(error.remedy)), ("exit", .number(Int64(status.rawValue))),
        ]
    }
}
