internal import NIOCore
package import SystemPackage

/// Says in plain words why an address cannot be listened on.
package enum BindFailure {
    /// The reason in `error`, as it follows "cannot listen on …: ".
    package static func text(of error: any Error) -> String {
        switch error {
        case let error as IOError: text(for: Errno(rawValue: error.errnoCode))
        case is SocketAddressError.UnknownHost: "no such host"
        default: "\(error)"
        }
    }

    /// What `errno` means.
    package static func text(for errno: Errno) -> String {
        switch errno {
        case .addressInUse: "address already in use"
        case .permissionDenied: "permission denied"
        case .addressNotAvailable: "cannot assign requested address"
        default: errno.description
        }
    }
}
