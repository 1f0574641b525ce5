internal import CSSH2
internal import Fabric
internal import Glibc

/// Keeps apart the processes of this machine, and the carriers within one, that deliver the same bytes to the same place
/// at once. Each gets a number, and with it a staging file that no other writes to; the first gets 0 again and again, so
/// that what was interrupted is found.
///
/// The number is held by a socket that is bound to a name without a file (`unix(7)`, abstract addresses): the kernel
/// takes it back when the process ends, however it ends, and nothing is left that would have to be cleaned up.
/// Such addresses are those of one network namespace: containers that share a host's name, its machine id and a user are
/// not kept apart. What they do to each other is an error that is tried again.
final class StagingSlot: Sendable {
    let number: Int
    private let holder: Descriptor?

    /// More than this at once do not come by chance.
    private static let count = 16

    private init(_ number: Int, heldBy holder: Descriptor?) {
        self.number = number
        self.holder = holder
    }

    /// The lowest number that nobody holds for `key`, held until nothing refers to it any more.
    ///
    /// - Throws: `conflict` when there is none.
    static func take(for key: Digest) throws(SSHFailure) -> StagingSlot {
        for number in 0..<count {
            let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            // Without such sockets it is as if nobody else were there.
            guard socket >= 0 else { return StagingSlot(number, heldBy: nil) }
            let descriptor = Descriptor(socket)
            if bind(descriptor, to: "tibet-scp-\(getuid())-\(key.hex)-\(number)") {
                return StagingSlot(number, heldBy: descriptor)
            }
            guard errno == EADDRINUSE else { return StagingSlot(number, heldBy: nil) }
        }
        throw .explained(
            CarrierError(
                .conflict, .retry(after: nil), "\(count) deliveries of these bytes to the same place are under way",
                remedy: "wait until they have ended"))
    }

    /// Binds to an abstract address: its first byte is zero, and its length is part of it.
    private static func bind(_ descriptor: Descriptor, to name: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0[1...].copyBytes(from: name.utf8) }
        let length = MemoryLayout<sa_family_t>.size + 1 + name.utf8.count
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.bind(descriptor.number, $0, socklen_t(length)) == 0
            }
        }
    }
}
