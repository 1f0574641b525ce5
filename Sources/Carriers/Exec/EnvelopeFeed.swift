internal import CSpawn
internal import Fabric
internal import Glibc
internal import SystemPackage

/// The bytes of an envelope on their way into a plug-in's pipe. Blocks on reading only; constant memory.
///
/// The last piece is written only when all of them were seen to be what the envelope claims. So a plug-in that counts
/// can never take something else for the whole.
struct EnvelopeFeed {
    private let envelope: SealedEnvelope
    private let source: any EnvelopeSource
    private let piece: Memory
    private var hasher: DigestHasher
    private var readUpTo: Int64
    /// What of the piece is still to be written.
    private var pending: Range<Int> = 0..<0

    /// The number of bytes that were put into the pipe, those before `offset` included.
    private(set) var written: Int64
    /// Whether all were, and the pipe can be closed.
    private(set) var isComplete = false

    static let pieceSize = 1 << 18

    /// Bytes that are freed with the value that holds them.
    private final class Memory {
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: EnvelopeFeed.pieceSize, alignment: 4096)

        deinit { bytes.deallocate() }
    }

    /// Begins after the bytes that `prefix` has seen.
    init(_ envelope: SealedEnvelope, source: any EnvelopeSource, after prefix: EnvelopePrefix) {
        self.envelope = envelope
        self.source = source
        piece = Memory()
        hasher = prefix.hasher
        readUpTo = prefix.size
        written = prefix.size
    }

    /// Writes as much as the pipe takes now.
    mutating func write(to descriptor: Int32) throws(CarrierError) {
        while !isComplete {
            if pending.isEmpty { try read() }
            guard !pending.isEmpty else {
                isComplete = true
                return
            }
            let bytes = piece.bytes[pending]
            let count = tibet_write_quietly(
                descriptor, UnsafeRawBufferPointer(rebasing: bytes).baseAddress, bytes.count)
            if count < 0 {
                if errno == EINTR { continue }
                // Nobody reads any more, or the pipe is full: either way others notice.
                return
            }
            pending = (pending.lowerBound + count)..<pending.upperBound
            written += Int64(count)
            if written == envelope.size, pending.isEmpty { isComplete = true }
        }
    }

    private mutating func read() throws(CarrierError) {
        let count = try Self.read(source, into: piece.bytes, at: readUpTo)
        hasher.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(piece.bytes)[..<count]))
        readUpTo += Int64(count)
        pending = 0..<count
        guard readUpTo >= envelope.size || count == 0 else { return }
        guard readUpTo == envelope.size, hasher.finish() == envelope.digest, try isAtEnd() else {
            throw CarrierError(
                .corrupted, .giveUp, "the envelope has other bytes than it was said to have",
                remedy: "seal it again: the envelope changed after it was sealed")
        }
    }

    private func isAtEnd() throws(CarrierError) -> Bool {
        var byte: UInt8 = 0
        let result = withUnsafeMutableBytes(of: &byte) { buffer in
            Result { () throws(CarrierError) in try Self.read(source, into: buffer, at: readUpTo) }
        }
        return try result.get() == 0
    }

    fileprivate static func read(
        _ source: any EnvelopeSource, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(CarrierError) -> Int {
        do throws(SystemFailure) {
            return try source.read(into: buffer, at: offset)
        } catch {
            throw CarrierError(local: error, "cannot read the envelope")
        }
    }
}

/// The leading bytes of an envelope, as far as they were looked at.
struct EnvelopePrefix {
    private(set) var hasher = DigestHasher()
    private(set) var size: Int64 = 0

    /// No bytes.
    init() {}

    /// The first `count` bytes of `source`, or as many as there are.
    init(
        _ count: Int64, of source: any EnvelopeSource, unless isCancelled: () -> Bool
    ) throws(CarrierError) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        while size < count, !isCancelled() {
            let wanted = Int(min(Int64(buffer.count), count - size))
            let got = try EnvelopeFeed.read(
                source, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: size)
            if got == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<got]))
            size += Int64(got)
        }
    }
}
