import Fabric
import Glibc
import Synchronization
import SystemPackage

/// Zeros without end of memory, as long as is asked for.
struct ZeroSource: EnvelopeSource {
    let size: Int64

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        let count = Int(max(0, min(Int64(buffer.count), size - offset)))
        if count > 0, let start = buffer.baseAddress { memset(start, 0, count) }
        return count
    }

    static func envelope(_ name: String, size: Int64) -> SealedEnvelope {
        var hasher = DigestHasher()
        let block = [UInt8](repeating: 0, count: 1 << 20)
        var left = size
        while left > 0 {
            block.withUnsafeBytes { hasher.update(UnsafeRawBufferPointer(rebasing: $0[..<Int(min(left, 1 << 20))])) }
            left -= 1 << 20
        }
        return SealedEnvelope(name: ArrivalName(name)!, digest: hasher.finish(), size: size) { ZeroSource(size: size) }
    }
}

/// Bytes that cannot be read from a certain place on, as if the sender had died there. The check of the length before
/// sending, which looks at single bytes, passes.
struct BreakingSource: EnvelopeSource {
    let bytes: [UInt8]
    let breaksAt: Int

    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(SystemFailure) -> Int {
        guard buffer.count > 1 else { return try ArraySource(bytes: bytes).read(into: buffer, at: offset) }
        guard offset < breaksAt else { throw SystemFailure("cannot read", .ioError) }
        let count = min(buffer.count, breaksAt - Int(offset))
        return try ArraySource(bytes: bytes).read(
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<count]), at: offset)
    }

    static func envelope(_ name: String, _ bytes: [UInt8], breaksAt: Int) -> SealedEnvelope {
        SealedEnvelope(name: ArrivalName(name)!, digest: Digest(of: bytes), size: Int64(bytes.count)) {
            BreakingSource(bytes: bytes, breaksAt: breaksAt)
        }
    }
}

/// Something that happens once, and can be waited for.
final class Event: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func happen() {
        continuation.yield()
        continuation.finish()
    }

    func wait() async { for await _ in stream { return } }
}
