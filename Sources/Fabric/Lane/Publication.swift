internal import SystemPackage

/// What became of one object that was brought to a lane.
public struct Publication: Sendable, Equatable {
    /// How the object came to be in the lane.
    public enum Outcome: String, Sendable {
        /// Published under the name that was asked for.
        case created
        /// The lane held these very bytes under that name, or beside it, already. Nothing was written.
        case duplicate
        /// The name was taken by other bytes; published beside them under a name with digits of the digest.
        case keptBeside = "kept-beside"
    }

    /// What happened.
    public let outcome: Outcome
    /// The name that was asked for; what surface comparison and audit use.
    public let requestedName: ArrivalName
    /// The name that the file has.
    public let storedName: ArrivalName
    /// The SHA-256 of the stored bytes, computed while writing.
    public let digest: Digest
    /// The number of stored bytes.
    public let size: Int64

    /// A publication from its parts.
    public init(outcome: Outcome, requestedName: ArrivalName, storedName: ArrivalName, digest: Digest, size: Int64) {
        self.outcome = outcome
        self.requestedName = requestedName
        self.storedName = storedName
        self.digest = digest
        self.size = size
    }
}

/// Why an object could not be brought into a lane.
public enum LaneError: ExplainedError {
    /// A system call failed.
    case system(SystemFailure)
    /// The bytes are not those that were announced.
    case digestMismatch(expected: Digest, found: Digest)
    /// Fewer or more bytes came than were announced.
    case sizeMismatch(expected: Int64, found: Int64)
    /// Every name that this object could have is taken by others.
    case noFreeName(ArrivalName)
    /// Storing this would leave less free space than the reserve, in bytes.
    case reserveReached(reserve: Int64)

    public var category: FailureCategory {
        switch self {
        case .system(let failure): failure.errno == .noSpace ? .tryLater : failure.category
        case .digestMismatch, .sizeMismatch: .badData
        case .noFreeName: .cannotCreate
        case .reserveReached: .tryLater
        }
    }

    public var explanation: String {
        switch self {
        case .system(let failure): failure.explanation
        case .digestMismatch(let expected, let found): "the bytes hash to \(found.hex), not to \(expected.hex)"
        case .sizeMismatch(let expected, let found): "\(found) bytes came where \(expected) were announced"
        case .noFreeName(let name): "every name made from '\(name)' is taken by other objects"
        case .reserveReached(let reserve): "storing this would leave less than the reserve of \(reserve) bytes free"
        }
    }

    public var remedy: String? {
        switch self {
        case .system(let failure): failure.remedy
        case .digestMismatch, .sizeMismatch: "send it again"
        case .noFreeName: "send it under another name"
        case .reserveReached: "free some space, or lower the reserve"
        }
    }
}

extension LaneError {
    /// Does `body`, turning the failure of a system call into a lane's.
    static func wrapping<Result>(_ body: () throws(SystemFailure) -> Result) throws(LaneError) -> Result {
        do { return try body() } catch { throw .system(error) }
    }
}
