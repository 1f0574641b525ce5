internal import CArchive
internal import CLinux
internal import Glibc

/// Reads the tar inside an envelope through libarchive, pulling verified bytes as they are needed.
///
/// Files, folders, links and hard links are made; everything else is refused. What the archive says of itself is
/// bounded by what was signed: all files together cannot be larger than the decoded content.
final class TarReader {
    private var blocks: DecodedBlocks
    private let progress: ProgressSink
    private var failure: EnvelopeError?
    /// How many bytes the files may still have together: what was signed, and not what an archive says of itself.
    private var bytesLeft: Int64
    private var entriesLeft: Int

    /// The number of bytes of the archive read so far.
    private(set) var bytesRead: UInt64 = 0

    init(_ blocks: consuming DecodedBlocks, size: UInt64, limits: EnvelopeLimits, progress: ProgressSink) {
        self.blocks = blocks
        bytesLeft = Int64(clamping: size)
        entriesLeft = limits.unpackedEntries
        self.progress = progress
    }

    /// Makes everything in the archive below `tree`, and reads the envelope to its verified end.
    func extract(into tree: SafeTree) throws(EnvelopeError) {
        guard let archive = archive_read_new() else { throw .library("libarchive has no memory") }
        defer { archive_read_free(archive) }
        archive_read_support_format_tar(archive)
        archive_read_support_format_empty(archive)
        let context = Unmanaged.passUnretained(self).toOpaque()
        let opened = archive_read_open(
            archive, context, nil,
            { _, context, buffer in
                guard let context, let buffer else { return -1 }
                return Unmanaged<TarReader>.fromOpaque(context).takeUnretainedValue().lend(buffer)
            }, nil)
        try require(opened, archive)
        var entry: OpaquePointer?
        while true {
            let code = archive_read_next_header(archive, &entry)
            if code == ARCHIVE_EOF { break }
            try require(code, archive)
            guard let entry else { break }
            try make(entry, from: archive, in: tree)
        }
        // Padding may follow the archive's end, and blocks that hold nothing but it are to be verified too.
        while try pull() != nil {}
    }

    private func make(_ entry: OpaquePointer, from archive: OpaquePointer, in tree: SafeTree) throws(EnvelopeError) {
        entriesLeft -= 1
        guard entriesLeft >= 0 else { throw .overLimit("the archive holds more things than are allowed") }
        let path = try Self.path(archive_entry_pathname(entry))
        let (seconds, nanoseconds) = (Int64(archive_entry_mtime(entry)), archive_entry_mtime_nsec(entry))
        // Never set-user-id, set-group-id or sticky: who unpacks does not know what they would be giving away.
        let mode = archive_entry_perm(entry) & 0o777
        if archive_entry_hardlink(entry) != nil {
            throw .badArchive("'\(DisplayText.line(path))' is a hard link, which this reader does not make")
        }
        switch archive_entry_filetype(entry) {
        case tibet_archive_regular:
            guard archive_entry_sparse_count(entry) == 0 else {
                throw .badArchive("'\(DisplayText.line(path))' is sparse")
            }
            let file = try tree.createFile(path, mode: mode)
            try copy(archive, to: file, size: archive_entry_size(entry))
            _ = tibet_set_file_times(file.descriptor, seconds, nanoseconds)
        case tibet_archive_directory:
            try tree.createFolder(path, mode: mode, seconds: seconds, nanoseconds: nanoseconds)
        case tibet_archive_symlink:
            guard let target = archive_entry_symlink(entry) else { throw .badArchive("a link without a target") }
            try tree.createLink(path, to: Self.bytes(target), seconds: seconds, nanoseconds: nanoseconds)
        default:
            throw .badArchive("'\(DisplayText.line(path))' is neither file, folder nor link")
        }
    }

    private func copy(_ archive: OpaquePointer, to file: OwnedFile, size: Int64) throws(EnvelopeError) {
        guard size >= 0, size <= bytesLeft else {
            throw .badArchive("the files claim to be larger than the archive that holds them")
        }
        bytesLeft -= size
        while true {
            var bytes: UnsafeRawPointer?
            var count = 0
            var offset: Int64 = 0
            let code = archive_read_data_block(archive, &bytes, &count, &offset)
            if code == ARCHIVE_EOF { break }
            try require(code, archive)
            let chunk = UnsafeRawBufferPointer(start: bytes, count: count)
            guard count <= size, offset >= 0, offset <= size - Int64(count) else {
                throw .badArchive("a file is longer than it says")
            }
            try EnvelopeError.wrapping { () throws(SystemFailure) in try file.writeSparsely(chunk, at: offset) }
        }
        try EnvelopeError.wrapping { () throws(SystemFailure) in try file.truncate(to: size) }
    }

    /// Called by libarchive for the next bytes of the archive, which stay valid until the call after.
    private func lend(_ buffer: UnsafeMutablePointer<UnsafeRawPointer?>) -> Int {
        do throws(EnvelopeError) {
            guard let bytes = try pull() else { return 0 }
            buffer.pointee = bytes.baseAddress
            return bytes.count
        } catch {
            failure = error
            return -1
        }
    }

    private func pull() throws(EnvelopeError) -> UnsafeRawBufferPointer? {
        while let chunk = try blocks.next() {
            bytesRead += UInt64(chunk.bytes.count)
            progress.report(Int64(clamping: bytesRead))
            if !chunk.bytes.isEmpty { return chunk.bytes }
        }
        return nil
    }

    private func require(_ code: Int32, _ archive: OpaquePointer) throws(EnvelopeError) {
        guard code < ARCHIVE_WARN else { return }
        throw failure ?? .badArchive(TarWriter.message(archive))
    }

    /// The path of an entry as bytes, refused unless it stays where it belongs. A trailing slash is dropped.
    private static func path(_ name: UnsafePointer<CChar>?) throws(EnvelopeError) -> [UInt8] {
        guard let name else { throw .badArchive("an entry without a name") }
        var path = bytes(name)
        if path.last == UInt8(ascii: "/") { path.removeLast() }
        let components = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard path.count <= EnvelopeLimits.pathBytes, components.count <= EnvelopeLimits.pathDepth else {
            throw .badArchive("the path '\(DisplayText.line(path))' is too long or too deep")
        }
        guard !path.contains(where: { $0 < 0x20 || $0 == 0x7f || $0 == UInt8(ascii: "\\") }) else {
            throw .badArchive("the path '\(DisplayText.line(path))' holds a control character or a backslash")
        }
        for component in components {
            let isUnsafe =
                component.isEmpty || component.elementsEqual([0x2e]) || component.elementsEqual([0x2e, 0x2e])
            guard !isUnsafe, component.count <= 255 else {
                throw .badArchive("the path '\(DisplayText.line(path))' does not stay where it belongs")
            }
        }
        return path
    }

    private static func bytes(_ text: UnsafePointer<CChar>) -> [UInt8] {
        Array(UnsafeBufferPointer(start: text, count: strlen(text))).map(UInt8.init(bitPattern:))
    }
}
