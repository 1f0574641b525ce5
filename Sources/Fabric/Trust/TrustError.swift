public import SystemPackage

/// Why pins cannot be read or changed.
public enum TrustError: ExplainedError {
    /// A system call failed.
    case system(SystemFailure)
    /// The pins cannot be read. They are then unknown, and nothing that needs them may be done.
    case unreadable(FilePath, SystemFailure)
    /// The file of pins is not as this program writes it.
    case damaged(FilePath, String)
    /// The pin cannot be made, and why.
    case unusable(String)
    /// The subject is pinned to another key.
    case conflict(pinned: Pin, offered: String)
    /// Nothing is pinned for the subject.
    case missing(Pin.Kind, subject: String)
    /// There are as many pins as there may be.
    case tooMany(Int)

    public var category: FailureCategory {
        switch self {
        case .system(let failure): failure.category
        case .damaged, .unreadable: .configuration
        case .unusable: .usage
        case .conflict: .refused
        case .missing: .noInput
        case .tooMany: .cannotCreate
        }
    }

    public var explanation: String {
        switch self {
        case .system(let failure): failure.explanation
        case .unreadable(let path, let failure):
            "cannot read the pins in '\(path.string)': \(failure.explanation)"
        case .damaged(let path, let why): "cannot use the pins in '\(path.string)': \(why)"
        case .unusable(let why): "this cannot be pinned: \(why)"
        case .conflict(let pin, let offered):
            "the \(pin.kind) key of '\(pin.subject)' is pinned to \(pin.fingerprint) since \(pin.since.iso8601); "
                + "this is \(Pin.fingerprint(of: offered, pin.kind))"
        case .missing(let kind, let subject): "no \(kind) key of \(EscapedJSON.quote(subject)) is pinned"
        case .tooMany(let count): "there are \(count) pins already"
        }
    }

    public var remedy: String? {
        switch self {
        case .system(let failure): failure.remedy
        case .unreadable: "make it readable for this user"
        case .damaged: "restore the file from a copy, or move it away and pin again"
        case .unusable: nil
        case .conflict: "if the change is meant, use 'tcd trust rotate'"
        case .missing: "see 'tcd trust list'"
        case .tooMany: "remove some with 'tcd trust remove'"
        }
    }
}
