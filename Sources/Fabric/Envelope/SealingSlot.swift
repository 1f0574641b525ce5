internal import CZstd
internal import Synchronization

/// One block on its way through a worker: compress and hash.
final class SealingSlot: Sendable {
    /// What a worker is to do with a block.
    enum Task: Sendable {
        /// Store it as it is.
        case store
        /// Compress it.
        case compress
        /// Compress it, and keep that if it is smaller.
        case compressIfSmaller
    }

    /// What came out.
    struct Result: Sendable {
        let encoding: BlockEntry.Encoding
        let storedCount: Int
        let digest: Digest
        let decodedCount: Int
        let decodedDigest: Digest
    }

    /// The bytes to seal, filled by the caller.
    let input: Memory
    private let output: Memory
    private let compressor: ZstdCompressor
    private let state = Mutex<State>(State())

    private struct State: Sendable {
        var count = 0
        var content = 0
        var task = Task.store
        var result: Swift.Result<Result, EnvelopeError>?
    }

    init(blockSize: Int, level: Int) throws(EnvelopeError) {
        input = Memory(byteCount: blockSize)
        output = Memory(byteCount: Zstd.bound(blockSize))
        compressor = try ZstdCompressor(level: Int32(level))
    }

    /// How many bytes of `input` count.
    var count: Int {
        get { state.withLock { $0.count } }
        set { state.withLock { $0.count = newValue } }
    }

    /// Which content the bytes belong to, and what to do with them.
    func prepare(content: Int, task: Task) {
        state.withLock { state in
            state.content = content
            state.task = task
            state.result = nil
        }
    }

    /// Which content the bytes belong to.
    var content: Int { state.withLock { $0.content } }

    /// Runs on a worker's thread.
    func process() {
        let (count, task) = state.withLock { ($0.count, $0.task) }
        let result = Swift.Result { () throws(EnvelopeError) in try seal(input.read(count), task: task) }
        state.withLock { $0.result = result }
    }

    /// What the worker made of it.
    func result() throws(EnvelopeError) -> Result {
        guard let result = state.withLock({ $0.result }) else { throw .library("a block was lost between threads") }
        return try result.get()
    }

    /// The bytes to store, once there is a result.
    func stored(_ result: Result) -> UnsafeRawBufferPointer {
        result.encoding == .zstd ? output.read(result.storedCount) : input.read(result.storedCount)
    }

    /// Whether a sample of the input shrinks by a twentieth at least.
    ///
    /// Three pieces rather than one, so that a compressible header does not speak for what follows it.
    func sampleShrinks() throws(EnvelopeError) -> Bool {
        let count = self.count
        let piece = 128 << 10
        let places =
            count <= 3 * piece ? [0..<count] : [0, (count - piece) / 2, count - piece].map { $0..<($0 + piece) }
        var made = 0
        var taken = 0
        for place in places {
            let sample = UnsafeRawBufferPointer(rebasing: input.read(count)[place])
            made += try compressor.compress(sample, into: output.bytes)
            taken += sample.count
        }
        return made < taken - taken / 20
    }

    private func seal(_ bytes: UnsafeRawBufferPointer, task: Task) throws(EnvelopeError) -> Result {
        let decodedDigest = Digest(hashing: bytes)
        let plain = Result(
            encoding: .none, storedCount: bytes.count, digest: decodedDigest, decodedCount: bytes.count,
            decodedDigest: decodedDigest)
        if case .store = task { return plain }
        let count = try compressor.compress(bytes, into: output.bytes)
        if case .compressIfSmaller = task, count >= bytes.count { return plain }
        return Result(
            encoding: .zstd, storedCount: count, digest: Digest(hashing: output.read(count)),
            decodedCount: bytes.count, decodedDigest: decodedDigest)
    }
}
