internal import Fabric
internal import SystemPackage

extension CarrierError {
    /// The one table from what a lane says to what a carrier says.
    init(_ error: LaneError, deliveringTo route: Route) {
        let (kind, action) = Self.meaning(of: error)
        let remedy =
            switch kind {
            case .unreachable: "check that the directory exists and that the disk that holds it is mounted"
            case .corrupted: "seal it again: the envelope changed after it was sealed"
            default: error.remedy
            }
        self.init(kind, action, "cannot deliver to '\(route)': \(error.explanation)", remedy: remedy)
    }

    private static func meaning(of error: LaneError) -> (Kind, Remedy) {
        switch error {
        case .digestMismatch, .sizeMismatch: (.corrupted, .giveUp)
        case .noFreeName: (.conflict, .giveUp)
        case .reserveReached: (.full, .retry(after: nil))
        case .system(let failure): meaning(of: failure.errno)
        }
    }

    private static func meaning(of errno: Errno) -> (Kind, Remedy) {
        switch errno {
        case .noSpace, .diskQuotaExceeded: (.full, .retry(after: nil))
        case .fileTooLarge: (.tooLarge(limit: nil), .tryNextRoute)
        case .permissionDenied, .notPermitted, .readOnlyFileSystem: (.refused, .tryNextRoute)
        case .noSuchFileOrDirectory, .staleNFSFileHandle: (.unreachable, .retry(after: nil))
        case .notDirectory, .tooManySymbolicLinkLevels, .fileNameTooLong: (.misconfigured, .waitForPerson)
        case .tooManyOpenFiles, .tooManyOpenFilesInSystem, .noMemory: (.throttled, .retry(after: nil))
        default: (.unreachable, .retry(after: nil))
        }
    }
}
