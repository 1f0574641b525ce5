internal import ArgumentParser
internal import Fabric

/// The exit codes of `tcd`, after sysexits(3). `docs/scripting.md` has the same table for users.
enum ExitStatus: Int32, CaseIterable {
    case done = 0
    case invalid = 1
    case triage = 2
    case partly = 3
    case usage = 64
    case badData = 65
    case noInput = 66
    case unavailable = 69
    case software = 70
    case cannotCreate = 73
    case inputOutput = 74
    case tryLater = 75
    case refused = 77
    case configuration = 78
    case interrupted = 130

    /// The code for an error, by what a caller would do differently.
    init(for error: any ExplainedError) {
        self =
            switch error.category {
            case .usage: .usage
            case .badData: .badData
            case .noInput: .noInput
            case .unavailable: .unavailable
            case .cannotCreate: .cannotCreate
            case .inputOutput: .inputOutput
            case .tryLater: .tryLater
            case .refused: .refused
            case .configuration: .configuration
            case .software: .software
            }
    }

    /// This status as something to throw.
    var code: ExitCode { ExitCode(rawValue) }
}

/// A call that cannot be carried out as it was given.
struct UsageError: ExplainedError {
    let explanation: String
    let remedy: String?

    init(_ explanation: String, remedy: String? = nil) {
        self.explanation = explanation
        self.remedy = remedy
    }

    var category: FailureCategory { .usage }
}
