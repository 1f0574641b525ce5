public import SystemPackage

extension CarrierError {
    /// What follows when this machine cannot read a sealed envelope, or start what a delivery needs: the same for every
    /// carrier, because it says nothing of the envelope or of the far side.
    ///
    /// | errno | the delivery |
    /// |---|---|
    /// | `ENOENT` | cannot be made: the sealed file has gone |
    /// | `EACCES`, `EPERM`, `ENOTDIR`, `EISDIR`, `ELOOP`, `ENAMETOOLONG` | waits for the operator |
    /// | everything else, for example `EMFILE`, `ENFILE`, `ENOMEM`, `EINTR`, `EIO`, `ENOSPC` | is tried again |
    ///
    /// - Parameters:
    ///   - failure: The system call that failed.
    ///   - purpose: What it was for, without a colon at its end.
    public init(local failure: SystemFailure, _ purpose: String) {
        self.init(
            .misconfigured, Self.action(after: failure.errno), "\(purpose): \(failure.explanation)",
            remedy: failure.remedy)
    }

    /// What follows from a failed system call on this machine.
    public static func action(after errno: Errno) -> Remedy {
        switch errno {
        case .noSuchFileOrDirectory: .giveUp
        case .permissionDenied, .notPermitted, .notDirectory, .isDirectory, .tooManySymbolicLinkLevels,
            .fileNameTooLong:
            .waitForPerson
        default: .retry(after: nil)
        }
    }
}
