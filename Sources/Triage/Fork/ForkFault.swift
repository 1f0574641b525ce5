package import Fabric

/// Why a text is no fork token, or a fork cannot be made of what was given.
package enum ForkFault: ExplainedError, Equatable {
    /// The text is not JSON.
    case notJSON(String)
    /// The JSON is something else than a token.
    case notToken(String)
    /// A field that must be a text or an object is something else.
    case wrongKind(field: String, wanted: String)
    /// A text field is longer than it may be.
    case tooLong(field: String, limit: Int)
    /// The bundle is no UPIP stack.
    case notStack(String)
    /// A hash in the bundle is not that of its content.
    case stackMismatch(what: String, stated: String, computed: String)
    /// The token's hash is not that of its content.
    case hashMismatch(stated: String, computed: String)
    /// A file is larger than anything that is read as a whole.
    case tooLarge(limit: Int)

    package var category: FailureCategory { .badData }

    package var explanation: String {
        switch self {
        case .notJSON(let why): "it is not JSON: \(why)"
        case .notToken(let why): "it is no fork token: \(why)"
        case .wrongKind(let field, let wanted): "it is no fork token: '\(field)' is not \(wanted)"
        case .tooLong(let field, let limit): "the field '\(field)' is longer than \(limit) bytes"
        case .notStack(let why): "it is no UPIP stack: \(why)"
        case .stackMismatch(let what, let stated, let computed):
            "the stack was changed: its \(what) says \(stated) and hashes to \(computed)"
        case .hashMismatch(let stated, let computed):
            "the fork token was changed: it says \(stated) and hashes to \(computed)"
        case .tooLarge(let limit): "it is larger than \(limit) bytes"
        }
    }

    package var remedy: String? {
        switch self {
        case .stackMismatch, .hashMismatch: "have it sent again, or look at what was changed"
        default: nil
        }
    }
}
