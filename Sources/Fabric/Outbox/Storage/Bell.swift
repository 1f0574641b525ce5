internal import CLinux
internal import Dispatch
internal import Glibc

/// Wakes every process that waits for something in an outbox: whoever changes it touches a small file, and the kernel
/// tells those who watch that file.
///
/// A ring says only that it is worth looking again.
final class Bell: Sendable {
    private static let name = "bell"
    private let file: OwnedFile

    init(in directory: OwnedFile) throws(SystemFailure) {
        file = try OwnedFile(Self.name, in: directory, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
    }

    /// Wakes all who listen. That nobody can be woken is no reason to fail: they look again by themselves.
    func ring() { _ = futimens(file.descriptor, nil) }

    /// Tells of every ring from now on, rings in quick succession once, until the stream is dropped.
    func rings() throws(SystemFailure) -> AsyncStream<Void> {
        let descriptor = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
        guard descriptor >= 0 else { throw .current("cannot watch '\(file.label)'") }
        let watch = OwnedFile(adopting: descriptor, label: "the watch on '\(file.label)'")
        guard inotify_add_watch(descriptor, "/proc/self/fd/\(file.descriptor)", UInt32(IN_ATTRIB)) >= 0 else {
            throw .current("cannot watch '\(file.label)'")
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let queue = DispatchQueue(label: "outbox.bell")
        // Dispatch sources can be cancelled from any thread; the module does not say so on Linux.
        nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler {
            let buffer = Memory(byteCount: 4096)
            while read(watch.descriptor, buffer.bytes.baseAddress, buffer.bytes.count) > 0 {}
            continuation.yield()
        }
        // The source goes first, then the descriptor that it watches.
        source.setCancelHandler { withExtendedLifetime(watch) {} }
        source.activate()
        continuation.onTermination = { _ in source.cancel() }
        return stream
    }
}
