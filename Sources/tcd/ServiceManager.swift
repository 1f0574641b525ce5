internal import FoundationEssentials
internal import Glibc

/// Tells the service manager how this process is, by the protocol of sd_notify(3): datagrams to the socket that
/// `NOTIFY_SOCKET` names. Does nothing where nobody asked.
struct ServiceManager: Sendable {
    private let socketPath: String?
    /// How often the manager wants to hear that all is well; nil where it does not.
    let watchdogInterval: Duration?

    /// The manager that the environment names.
    init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        // Set for one process, which need not be this one.
        let isMeant = environment["WATCHDOG_PID"].map { Int32($0) == getpid() } ?? true
        watchdogInterval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }
            .flatMap { $0 > 0 && isMeant ? .microseconds($0 / 2) : nil }
    }

    /// The service serves.
    func ready(_ status: String) { send("READY=1\nSTATUS=\(status)\nMAINPID=\(getpid())") }

    /// The service is about to end.
    func stopping() { send("STOPPING=1") }

    /// The service is well.
    func alive() { send("WATCHDOG=1", waits: false) }

    /// - Parameter waits: Whether to wait for a manager that has much to read; it would be told again soon.
    private func send(_ message: String, waits: Bool = true) {
        guard let socketPath else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(socketPath.utf8)
        // A leading @ stands for the name space without files.
        if path.first == UInt8(ascii: "@") { path[0] = 0 }
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let bytes = Array(message.utf8)
        _ = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT)), $0, length)
            }
        }
    }
}
