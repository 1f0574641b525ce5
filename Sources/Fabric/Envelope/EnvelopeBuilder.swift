internal import CLinux

/// Puts an envelope together on disk while its contents stream in.
///
/// Contents are given one after the other: `begin`, any number of `write`, `end`; then `finish`. Blocks are compressed
/// and hashed on all cores meanwhile.
final class EnvelopeBuilder {
    /// What is known of a content before it is read.
    struct Plan {
        let name: String
        let size: Int64
    }

    private let options: SealOptions
    private let file: OwnedFile
    private var workers: OrderedWorkers<SealingSlot>

    private var contents: [Content] = []
    private var parts: [Part] = []
    private var filling: SealingSlot?
    private var contentTask: SealingSlot.Task?

    private var layout: EnvelopeLayout?
    private var heldFirst: (slot: SealingSlot, result: SealingSlot.Result)?
    private let plannedGap: Int64?
    private var describedBytes = 0
    private let takenNames: Set<String>

    /// One content as it goes by.
    private struct Content {
        let name: String
        var parts = 0
    }

    /// One block that is on disk, or about to be.
    private struct Part {
        let content: Int
        let number: Int
        let result: SealingSlot.Result
    }

    /// The contents that had grown when all of the bytes that they were said to have were taken.
    private(set) var grown: [String] = []
    /// The number of content bytes taken so far.
    private(set) var contentBytes: Int64 = 0

    /// A builder that writes to `file`, which is empty.
    ///
    /// - Parameter plan: The contents to come with their sizes, where they are known.
    init(file: OwnedFile, options: SealOptions, plan: [Plan]?) throws(EnvelopeError) {
        self.file = file
        self.options = options
        var slots: [SealingSlot] = []
        // One slot more than workers, so that one is filled while all others are worked on; and one for the first
        // block, which is held back until it is known whether it stays the only one.
        for _ in 0..<(Cores.workers + 2) {
            slots.append(try SealingSlot(blockSize: options.blockSize, level: options.level))
        }
        workers = OrderedWorkers(slots: slots) { $0.process() }
        plannedGap = try plan.map { plan throws(EnvelopeError) in
            guard let gap = ManifestDraft.estimate(for: plan, options: options), gap <= EnvelopeLimits().manifestBytes
            else { throw Self.tooMuch }
            return gap
        }
        takenNames = Set((plan ?? []).count > 1 ? (plan ?? []).map(\.name) : [])
    }

    /// Begins the content called `name`.
    func begin(_ name: String) {
        contents.append(Content(name: name))
        contentTask = nil
    }

    /// Takes the next bytes of the content.
    func write(_ bytes: UnsafeRawBufferPointer) throws(EnvelopeError) {
        var rest = bytes
        while !rest.isEmpty {
            let slot = try slotToFill()
            let count = slot.count
            if count == options.blockSize {
                try submit(slot, isLast: false)
                continue
            }
            let taken = min(rest.count, options.blockSize - count)
            UnsafeMutableRawBufferPointer(rebasing: slot.input.bytes[count..<(count + taken)])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: rest[..<taken]))
            slot.count = count + taken
            contentBytes += Int64(taken)
            rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
        }
    }

    /// Lets `fill` put bytes straight into the block that is being gathered, saving a copy.
    ///
    /// - Parameter fill: Is given free memory, and returns how much of it was filled; 0 at the end.
    /// - Returns: Whether there was anything.
    func fill(_ fill: (UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int) throws(EnvelopeError) -> Bool {
        var slot = try slotToFill()
        if slot.count == options.blockSize {
            try submit(slot, isLast: false)
            slot = try slotToFill()
        }
        let count = slot.count
        let room = UnsafeMutableRawBufferPointer(rebasing: slot.input.bytes[count...])
        let filled = try EnvelopeError.wrapping { () throws(SystemFailure) in try fill(room) }
        slot.count = count + filled
        contentBytes += Int64(filled)
        return filled > 0
    }

    /// Up to this size a file may turn out shorter than it says: what the kernel makes up as it is read often does.
    static let mayBeShorter: Int64 = 1 << 20

    /// Takes one whole content from a file of `size` bytes; all there is, where it says that it has none.
    ///
    /// - Parameter progress: Told how many of its bytes were taken.
    func add(
        _ name: String, from source: OwnedFile, size: Int64, progress: (Int64) -> Void
    ) throws(EnvelopeError) {
        begin(name)
        _ = tibet_read_sequentially(source.descriptor)
        if isStoredWhole(size) {
            try appendWhole(source, size: size, name: name, progress: progress)
            try noteGrowth(of: source, beyond: size, name: name)
            return
        }
        var position: Int64 = 0
        while position < size || size == 0 {
            let more = try fill { room throws(SystemFailure) in
                let wanted = size == 0 ? Int64(room.count) : min(Int64(room.count), size - position)
                let got = try source.read(into: .init(rebasing: room[..<Int(wanted)]), at: position)
                position += Int64(got)
                return got
            }
            if !more, size <= Self.mayBeShorter { break }
            guard more else { throw .unusableInput(name, reason: "it became shorter while it was read") }
            progress(position)
        }
        try end()
        try noteGrowth(of: source, beyond: position, name: name)
    }

    /// Remembers that a file is longer than what was taken of it.
    func noteGrowth(of source: OwnedFile, beyond size: Int64, name: String) throws(EnvelopeError) {
        if try EnvelopeError.wrapping({ () throws(SystemFailure) in try source.hasMore(at: size) }) {
            grown.append(name)
        }
    }

    /// Ends the content. An empty one becomes an empty block.
    func end() throws(EnvelopeError) {
        try submit(try slotToFill(), isLast: true)
    }

    /// Writes what is left and the manifest. The file is complete, and not yet synced.
    func finish(key: SigningKey) throws(EnvelopeError) -> (draft: ManifestDraft, size: Int64) {
        while let slot = workers.takeDone() { try place(slot) }
        guard !parts.isEmpty else { throw .unusableInput("", reason: "there is nothing in it") }
        let entries = entries(key: key)
        try requireDistinctNames(entries)
        var draft = ManifestDraft(options: options, key: key, blocks: entries)
        // An only block was held back until now, when the length of what stands before it is known.
        var layout = self.layout ?? EnvelopeLayout(file: file, gap: Int64(12 + draft.signed().count))
        if let (slot, result) = heldFirst { try layout.append(slot.stored(result)) }
        if options.writesExtensions { draft.pad(to: layout.manifestLength) }
        let manifest = draft.signed()
        guard manifest.count <= EnvelopeLimits().manifestBytes else { throw Self.tooMuch }
        return (draft, try layout.complete(manifest: manifest))
    }

    static var tooMuch: EnvelopeError {
        .overLimit("this is more than one envelope can describe; send it in several, or a directory as a tar")
    }

    /// Completes the envelope and says what became of it.
    func report(signedBy key: SigningKey) throws(EnvelopeError) -> SealReport {
        let (draft, size) = try finish(key: key)
        return SealReport(
            transferID: options.transferID, contentDigest: draft.contentDigest, blocks: draft.blockCount,
            contentBytes: contentBytes, sealedBytes: size, grown: grown, leftOut: [], outsideLinks: [])
    }

    // MARK: - Blocks

    private func slotToFill() throws(EnvelopeError) -> SealingSlot {
        if let filling { return filling }
        while workers.isFull, let done = workers.takeDone() { try place(done) }
        guard let slot = workers.takeFree() else { throw .library("no block buffer came free") }
        slot.count = 0
        filling = slot
        return slot
    }

    private func submit(_ slot: SealingSlot, isLast: Bool) throws(EnvelopeError) {
        let content = contents.count - 1
        if contents[content].parts == 0 || contentTask == nil {
            contentTask = try task(for: slot, name: contents[content].name, isWhole: isLast)
        }
        contents[content].parts += 1
        slot.prepare(content: content, task: contentTask ?? .store)
        workers.submit(slot)
        filling = nil
    }

    /// Decides once per content how it is stored. A content of one block is simply tried; a longer one is sampled,
    /// because all its blocks must be stored alike to join into one file.
    private func task(for slot: SealingSlot, name: String, isWhole: Bool) throws(EnvelopeError) -> SealingSlot.Task {
        // Another file may already be called like the compressed form of this one.
        guard options.writesExtensions, !takenNames.contains(name + ".zst") else { return .store }
        switch options.compression {
        case .none: return .store
        case .zstd: return .compress
        case .auto: return isWhole ? .compressIfSmaller : try slot.sampleShrinks() ? .compress : .store
        }
    }

    private func place(_ slot: SealingSlot) throws(EnvelopeError) {
        let result = try slot.result()
        let content = slot.content
        let number = (parts.last.map { $0.content == content ? $0.number + 1 : 0 }) ?? 0
        // Where nothing was planned, this is noticed before hours of work are for nothing.
        if plannedGap == nil {
            describedBytes += ManifestDraft.entryLength(for: contents[content].name, options: options)
        }
        guard parts.count < EnvelopeLimits().blocks, describedBytes < EnvelopeLimits().manifestBytes - 4096 else {
            throw Self.tooMuch
        }
        parts.append(Part(content: content, number: number, result: result))
        if parts.count == 1 {
            heldFirst = (slot, result)
            return
        }
        try openLayout()
        try layout?.append(slot.stored(result))
        workers.release(slot)
    }

    /// Decides where the blocks begin, and writes the first one if it was held back.
    private func openLayout() throws(EnvelopeError) {
        if layout == nil { layout = EnvelopeLayout(file: file, gap: plannedGap) }
        guard let first = heldFirst else { return }
        heldFirst = nil
        try layout?.append(first.slot.stored(first.result))
        workers.release(first.slot)
    }

    // MARK: - Whole files

    /// Whether a file goes into one block however long it is, because a peer is to find it as it was.
    private func isStoredWhole(_ size: Int64) -> Bool {
        let isPeerForm = !options.writesExtensions || (options.contentLayout == .files && options.compression == .none)
        return isPeerForm && size > Int64(options.blockSize) && size <= Int64(UInt32.max)
    }

    /// Copies a file into one block piece by piece.
    private func appendWhole(
        _ source: OwnedFile, size: Int64, name: String, progress: (Int64) -> Void
    ) throws(EnvelopeError) {
        while let slot = workers.takeDone() { try place(slot) }
        try openLayout()
        let buffer = Memory(byteCount: 1 << 20)
        var hasher = DigestHasher()
        try layout?.append(size: size) { done throws(EnvelopeError) in
            let room = buffer.prefix(Int(min(Int64(buffer.bytes.count), size - done)))
            let got = try EnvelopeError.wrapping { () throws(SystemFailure) in try source.read(into: room, at: done) }
            guard got > 0 else { throw .unusableInput(name, reason: "it became shorter while it was read") }
            hasher.update(buffer.read(got))
            progress(done + Int64(got))
            return buffer.read(got)
        }
        contentBytes += size
        contents[contents.count - 1].parts = 1
        let digest = hasher.finish()
        let result = SealingSlot.Result(
            encoding: .none, storedCount: Int(size), digest: digest, decodedCount: Int(size), decodedDigest: digest)
        parts.append(Part(content: contents.count - 1, number: 0, result: result))
    }

    // MARK: - Entries

    /// The manifest's entries, signed on all cores; only now is it known how many parts each content has.
    private func entries(key: SigningKey) -> [BlockEntry] {
        let (contents, parts, extended) = (self.contents, self.parts, options.writesExtensions)
        return AllCores.map(parts.count) { position in
            let part = parts[position]
            let content = contents[part.content]
            var name = content.name
            if part.result.encoding == .zstd { name += ".zst" }
            if content.parts > 1 { name += "." + Self.padded(part.number, to: content.parts) }
            let index = UInt32(position + 1)
            let message = BlockEntry.signedBytes(digest: part.result.digest, name: name, index: index)
            return BlockEntry(
                index: index, name: name, size: UInt32(part.result.storedCount), digest: part.result.digest,
                signature: key.sign(message), encoding: part.result.encoding,
                decodedSize: UInt64(part.result.decodedCount),
                decodedDigest: extended ? part.result.decodedDigest : nil,
                contentName: name == content.name ? nil : content.name)
        }
    }

    /// A file that is called like a part of another cannot lie beside it.
    private func requireDistinctNames(_ entries: [BlockEntry]) throws(EnvelopeError) {
        var seen = Set<[UInt8]>()
        for entry in entries where !seen.insert(Array(entry.name.utf8)).inserted {
            throw .unusableInput(
                entry.content, reason: "two blocks would be called '\(entry.name)'; use the layout tar")
        }
    }

    /// Part numbers have three digits, or as many as keep the parts in order when a shell sorts them.
    private static func padded(_ number: Int, to count: Int) -> String {
        let width = max(3, String(count - 1).count)
        let digits = String(number)
        return String(repeating: "0", count: width - digits.count) + digits
    }
}
