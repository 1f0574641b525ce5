internal import CArchive
internal import CLinux
internal import Glibc

/// Writes a directory as one pax tar into an envelope, through libarchive.
///
/// Owners are written as 0 without names: an envelope says who sealed it by signature, and account numbers of the
/// sending host mean nothing elsewhere. A file with several hard links is written once for each.
final class TarWriter {
    private let builder: EnvelopeBuilder
    private let archive: OpaquePointer
    private var failure: EnvelopeError?

    /// A writer whose output goes into the content that `builder` is at.
    init(into builder: EnvelopeBuilder) throws(EnvelopeError) {
        guard let archive = archive_write_new() else { throw .library("libarchive has no memory") }
        self.builder = builder
        self.archive = archive
        archive_write_set_format_pax(archive)
        archive_write_set_bytes_per_block(archive, 0)
    }

    deinit { archive_write_free(archive) }

    /// Hands the writer to `body` with libarchive's output open, and completes the archive.
    func run(_ body: () throws(EnvelopeError) -> Void) throws(EnvelopeError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        let opened = archive_write_open(
            archive, context, nil,
            { _, context, bytes, count in
                guard let context else { return -1 }
                return Unmanaged<TarWriter>.fromOpaque(context).takeUnretainedValue().take(bytes, count)
            }, nil)
        try require(opened)
        try body()
        try require(archive_write_close(archive))
    }

    /// Adds one entry; for a regular file, `read` fills the memory it is given from the offset it is given.
    func add(
        path: [UInt8], status: stat, linkTarget: [UInt8]? = nil,
        read: ((UnsafeMutableRawBufferPointer, Int64) throws(SystemFailure) -> Int)? = nil
    ) throws(EnvelopeError) {
        guard let entry = archive_entry_new() else { throw .library("libarchive has no memory") }
        defer { archive_entry_free(entry) }
        archive_entry_copy_pathname(entry, path.map(CChar.init(bitPattern:)) + [0])
        archive_entry_set_mode(entry, status.st_mode)
        archive_entry_set_mtime(entry, status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        archive_entry_set_size(entry, read == nil ? 0 : Int64(status.st_size))
        if let linkTarget {
            archive_entry_copy_symlink(entry, linkTarget.map(CChar.init(bitPattern:)) + [0])
        }
        try require(archive_write_header(archive, entry))
        if let read { try copy(size: Int64(status.st_size), label: path, read: read) }
    }

    private func copy(
        size: Int64, label: [UInt8], read: (UnsafeMutableRawBufferPointer, Int64) throws(SystemFailure) -> Int
    ) throws(EnvelopeError) {
        let buffer = Memory(byteCount: Int(min(max(size, 1), 256 << 10)))
        var position: Int64 = 0
        while position < size {
            let room = buffer.prefix(Int(min(Int64(buffer.bytes.count), size - position)))
            let got = try EnvelopeError.wrapping { () throws(SystemFailure) in try read(room, position) }
            guard got > 0 else {
                throw .unusableInput(
                    String(decoding: label, as: UTF8.self), reason: "it became shorter while it was read")
            }
            guard archive_write_data(archive, buffer.bytes.baseAddress, got) == got else {
                throw failure ?? .library(Self.message(archive))
            }
            position += Int64(got)
        }
    }

    /// Called by libarchive with finished bytes of the archive.
    private func take(_ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
        do throws(EnvelopeError) {
            try builder.write(UnsafeRawBufferPointer(start: bytes, count: count))
            return count
        } catch {
            failure = error
            return -1
        }
    }

    private func require(_ code: Int32) throws(EnvelopeError) {
        // A warning here is about an attribute that could not be translated, and the bytes of names are kept then.
        guard code < ARCHIVE_WARN else { return }
        throw failure ?? .library(Self.message(archive))
    }

    static func message(_ archive: OpaquePointer) -> String {
        archive_error_string(archive).map { "libarchive: " + String(cString: $0) } ?? "libarchive failed"
    }
}
