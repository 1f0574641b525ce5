package import Fabric

/// Why a server cannot be started.
package enum ServingFailure: ExplainedError {
    /// The configuration cannot be used.
    case misconfigured(String, remedy: String?)
    /// The address cannot be listened on.
    case cannotBind(address: String, reason: String)

    package var category: FailureCategory {
        switch self {
        case .misconfigured: .configuration
        case .cannotBind: .unavailable
        }
    }

    package var explanation: String {
        switch self {
        case .misconfigured(let what, _): what
        case .cannotBind(let address, let reason): "cannot listen on \(address): \(reason)"
        }
    }

    package var remedy: String? {
        switch self {
        case .misconfigured(_, let remedy): remedy
        case .cannotBind: "choose another address or port, or stop the program that has it"
        }
    }
}
