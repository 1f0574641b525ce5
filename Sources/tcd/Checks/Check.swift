internal import Fabric

/// One thing that was looked at.
struct Check: Sendable {
    /// How it is.
    enum State: String {
        case fine = "ok"
        case warning
        case failed
    }

    let subject: String
    let state: State
    let detail: String
    let remedy: String?

    static func fine(_ subject: String, _ detail: String) -> Check {
        Check(subject: subject, state: .fine, detail: detail, remedy: nil)
    }

    static func warning(_ subject: String, _ detail: String, remedy: String?) -> Check {
        Check(subject: subject, state: .warning, detail: detail, remedy: remedy)
    }

    static func failed(_ subject: String, _ error: any ExplainedError) -> Check {
        Check(subject: subject, state: .failed, detail: error.explanation, remedy: error.remedy)
    }
}
