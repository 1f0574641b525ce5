internal import CSSH2
internal import Fabric
internal import Glibc

/// The bytes of one envelope on their way out: hashed as they are read, if they are hashed here, and never more in memory
/// than one window, of which some are sent and not yet taken.
final class Outgoing {
    /// Where in the envelope the first byte of the window is.
    private(set) var position: Int64
    /// Where in the envelope the first byte was.
    let start: Int64
    /// The number of bytes that the envelope has.
    let size: Int64
    private let source: any EnvelopeSource
    private var hasher: DigestHasher?
    private var nextRead: Int64
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 4096)
    private var first = 0
    private var end = 0

    /// What is under way at most. A round trip of 20 ms and a fast line need this much (`toolchain.md`).
    static let window = 4 << 20
    private static let capacity = 2 * window
    private static let readSize = 1 << 20

    /// The bytes from `offset` on.
    ///
    /// - Parameter hasher: One that has seen those before; nil when nothing is to be hashed here.
    init(_ source: any EnvelopeSource, size: Int64, from offset: Int64, hasher: DigestHasher?) {
        self.source = source
        self.size = size
        self.hasher = hasher
        start = offset
        position = offset
        nextRead = offset
    }

    deinit { buffer.deallocate() }

    /// The SHA-256 of the whole envelope, once all is read; nil when it was not hashed here.
    var digest: Digest? { hasher?.finish() }

    /// Fills the window as far as the source goes, and gives what is in it. Empty at the end.
    ///
    /// - Throws: `corrupted` when the source ends early.
    func fill() throws(SSHFailure) -> UnsafeRawBufferPointer {
        while end - first < Self.window, nextRead < size {
            if capacityLeft < Self.readSize { slide() }
            let wanted = Int(min(Int64(Self.readSize), size - nextRead))
            let target = UnsafeMutableRawBufferPointer(rebasing: buffer[end..<(end + wanted)])
            let got = try SourceReading.read(source, into: target, at: nextRead)
            guard got > 0 else { throw SourceReading.wrongSize(size) }
            hasher?.update(UnsafeRawBufferPointer(rebasing: target[..<got]))
            end += got
            nextRead += Int64(got)
        }
        return UnsafeRawBufferPointer(rebasing: buffer[first..<end])
    }

    /// The far side has taken the first `count` bytes of the window.
    func advance(by count: Int) {
        first += count
        position += Int64(count)
    }

    private var capacityLeft: Int { buffer.count - end }

    private func slide() {
        guard let base = buffer.baseAddress else { return }
        memmove(base, base + first, end - first)
        (first, end) = (0, end - first)
    }
}

/// Reading from a source, with the errors that a delivery gives.
enum SourceReading {
    static func open(_ envelope: SealedEnvelope) throws(SSHFailure) -> any EnvelopeSource {
        do { return try envelope.open() } catch { throw unreadable(error) }
    }

    static func read(
        _ source: any EnvelopeSource, into buffer: UnsafeMutableRawBufferPointer, at offset: Int64
    ) throws(SSHFailure) -> Int {
        do {
            return try source.read(into: buffer, at: offset)
        } catch {
            throw unreadable(error)
        }
    }

    private static func unreadable(_ error: SystemFailure) -> SSHFailure {
        .explained(CarrierError(local: error, "cannot read the envelope"))
    }

    /// Throws unless the source has exactly `size` bytes.
    static func check(_ source: any EnvelopeSource, size: Int64) throws(SSHFailure) {
        let byte = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
        defer { byte.deallocate() }
        guard try read(source, into: byte, at: size) == 0 else { throw wrongSize(size) }
        if size > 0, try read(source, into: byte, at: size - 1) != 1 { throw wrongSize(size) }
    }

    /// A hasher that has seen the first `count` bytes.
    static func hasher(
        _ source: any EnvelopeSource, first count: Int64, size: Int64, between: () throws(SSHFailure) -> Void
    ) throws(SSHFailure) -> DigestHasher {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 4096)
        defer { buffer.deallocate() }
        var hasher = DigestHasher()
        var offset: Int64 = 0
        while offset < count {
            try between()
            let wanted = Int(min(Int64(buffer.count), count - offset))
            let got = try read(source, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]), at: offset)
            guard got > 0 else { throw wrongSize(size) }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<got]))
            offset += Int64(got)
        }
        return hasher
    }

    static func wrongSize(_ size: Int64) -> SSHFailure {
        .explained(
            CarrierError(
                .corrupted, .giveUp, "the envelope has not the \(size) bytes that it was sealed with",
                remedy: "seal it again"))
    }

    static func wrongDigest(expected: Digest, found: Digest) -> SSHFailure {
        .explained(
            CarrierError(
                .corrupted, .giveUp, "the envelope hashes to \(found.hex), not to \(expected.hex)",
                remedy: "seal it again: it changed after it was sealed"))
    }
}
