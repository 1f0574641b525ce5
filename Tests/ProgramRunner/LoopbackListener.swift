import Foundation
import Glibc
import Synchronization

/// Takes connections on a port of the loopback interface that the system picked, and serves each on a thread of its own,
/// by blocking calls. Ends with the value.
public final class LoopbackListener: Sendable {
    /// Where it listens.
    public let port: Int
    private let descriptor: Int32
    private let isStopped = Atomic(false)

    /// Listens, and hands the descriptor of each connection to `serve`, which has to close it.
    public init(_ serve: @escaping @Sendable (Int32) -> Void) {
        guard let (descriptor, port) = try? LoopbackAddress.bind(), listen(descriptor, 16) == 0 else {
            preconditionFailure("no port can be had")
        }
        (self.descriptor, self.port) = (descriptor, port)
        Thread {
            while true {
                let connection = accept(descriptor, nil, nil)
                if connection < 0 {
                    // Closed here and nowhere else: its number may be somebody else's from then on.
                    close(descriptor)
                    return
                }
                Thread { serve(connection) }.start()
            }
        }.start()
    }

    deinit { stop() }

    /// From here on nobody listens.
    public func stop() {
        if !isStopped.exchange(true, ordering: .acquiringAndReleasing) { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    /// Writes all of a text; false when the other side has gone.
    @discardableResult
    public static func write(_ text: String, to connection: Int32) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let put = rest.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard put > 0 else { return false }
            rest = rest.dropFirst(put)
        }
        return true
    }
}
