internal import CZstd

/// What zstd is asked for, and the frames that readers here accept.
enum Zstd {
    /// The largest window of a frame that is written or read, as a power of two: 8 MiB. Bounds a reader's memory.
    static let largestWindowLog: Int32 = 23
    /// The levels that can be asked for.
    static let levels = 1...Int(ZSTD_maxCLevel())

    /// The most bytes that `count` bytes can become.
    static func bound(_ count: Int) -> Int { ZSTD_compressBound(count) }

    static func failure(_ code: Int) -> String? {
        guard ZSTD_isError(code) != 0 else { return nil }
        return String(cString: ZSTD_getErrorName(code))
    }
}

/// Makes one independent zstd frame per call. One context serves many frames, one thread at a time.
final class ZstdCompressor: @unchecked Sendable {
    // @unchecked: the C context is used by whichever thread holds the slot that owns this, never by two.
    private let context: OpaquePointer

    init(level: Int32) throws(EnvelopeError) {
        guard let context = ZSTD_createCCtx() else { throw .library("zstd has no memory for a context") }
        self.context = context
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
        // No checksum: every frame is covered by two signed SHA-256 digests already.
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 0)
    }

    deinit { ZSTD_freeCCtx(context) }

    /// Compresses `input` into `output`, which has room for `Zstd.bound(input.count)` bytes.
    func compress(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) throws(EnvelopeError) -> Int {
        let count = ZSTD_compress2(context, output.baseAddress, output.count, input.baseAddress, input.count)
        if let why = Zstd.failure(count) { throw .library("zstd cannot compress: \(why)") }
        return count
    }
}

/// Reads zstd frames in bounded memory. One context serves many frames, one thread at a time.
final class ZstdDecompressor: @unchecked Sendable {
    // @unchecked: as for the compressor.
    private let context: OpaquePointer

    init() throws(EnvelopeError) {
        guard let context = ZSTD_createDCtx() else { throw .library("zstd has no memory for a context") }
        self.context = context
        ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Zstd.largestWindowLog)
    }

    deinit { ZSTD_freeDCtx(context) }

    /// Decodes the one frame that `input` must consist of; it must fill `output` exactly.
    ///
    /// - Returns: Nil on success, otherwise what is wrong with the frame.
    func decode(_ input: UnsafeRawBufferPointer, filling output: UnsafeMutableRawBufferPointer) -> String? {
        let frame = ZSTD_findFrameCompressedSize(input.baseAddress, input.count)
        if let why = Zstd.failure(frame) { return "no zstd frame: \(why)" }
        guard frame == input.count else { return "more than one zstd frame" }
        let count = ZSTD_decompressDCtx(context, output.baseAddress, output.count, input.baseAddress, input.count)
        if let why = Zstd.failure(count) { return "zstd: \(why)" }
        guard count == output.count else { return "decodes to \(count) bytes, \(output.count) were signed" }
        return nil
    }

    /// Begins a frame that is decoded piece by piece.
    func beginFrame() {
        ZSTD_DCtx_reset(context, ZSTD_reset_session_only)
    }

    /// One step of decoding piece by piece.
    ///
    /// - Returns: How much of `input` was used, how much of `output` filled, and whether the frame is complete; or
    ///   what is wrong with it.
    func step(
        _ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer
    ) -> (used: Int, made: Int, complete: Bool, problem: String?) {
        var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
        var sink = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
        let code = ZSTD_decompressStream(context, &sink, &source)
        return (source.pos, sink.pos, code == 0, Zstd.failure(code).map { "zstd: \($0)" })
    }
}
