public import Fabric

/// Why a listener cannot be started.
public enum HTTPListenerError: ExplainedError {
    /// The configuration cannot be used.
    case misconfigured(String, remedy: String?)
    /// The address cannot be listened on.
    case cannotBind(address: String, reason: String)
    /// The lane cannot be used.
    case lane(LaneError)
    /// A listener can be started once.
    case startedBefore

    public var category: FailureCategory {
        switch self {
        case .misconfigured: .configuration
        case .cannotBind: .unavailable
        case .lane(let error): error.category
        case .startedBefore: .software
        }
    }

    public var explanation: String {
        switch self {
        case .misconfigured(let what, _): what
        case .cannotBind(let address, let reason): "cannot listen on \(address): \(reason)"
        case .lane(let error): error.explanation
        case .startedBefore: "this listener was started before"
        }
    }

    public var remedy: String? {
        switch self {
        case .misconfigured(_, let remedy): remedy
        case .cannotBind: "choose another address or port, or stop the program that has it"
        case .lane(let error): error.remedy
        case .startedBefore: nil
        }
    }
}
