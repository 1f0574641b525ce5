internal import FoundationEssentials
internal import Glibc
internal import SystemPackage

/// What the sender of a resumable upload said before the first byte.
public struct UploadAnnouncement: Sendable, Equatable {
    /// The name to publish under.
    public let name: ArrivalName
    /// The SHA-256 of the whole object.
    public let digest: Digest
    /// The number of bytes of the whole object.
    public let size: Int64
    /// The key that signed the announcement, without which the upload cannot be continued; nil where none did.
    public let owner: PublicKey?

    /// An announcement from its parts.
    public init(name: ArrivalName, digest: Digest, size: Int64, owner: PublicKey?) {
        self.name = name
        self.digest = digest
        self.size = size
        self.owner = owner
    }

    /// Reads what `write` wrote; nil when the file is missing, damaged or of another form.
    ///
    /// - Parameter isFinished: Whether to read what is remembered of an upload that was published.
    init?(id: String, isFinished: Bool = false, in directory: OwnedFile) {
        let file = isFinished ? UploadFile.finished(id) : UploadFile.description(id)
        guard let file = try? OwnedFile(file, in: directory, flags: O_RDONLY | O_NOFOLLOW),
            let record = try? JSONDecoder().decode(Record.self, from: file.head(of: 4096)),
            let name = ArrivalName(record.name), let digest = Digest(hex: record.digest), record.size > 0
        else { return nil }
        let owner = record.owner.flatMap { PublicKey(hex: $0) }
        guard (owner == nil) == (record.owner == nil) else { return nil }
        self.init(name: name, digest: digest, size: record.size, owner: owner)
    }

    /// Writes `<id>.json`, whole or not at all, and durable on return.
    func write(id: String, in directory: OwnedFile) throws(LaneError) {
        let record = Record(name: name.text, digest: digest.hex, size: size, owner: owner?.hex)
        guard let data = try? JSONEncoder().encode(record) else {
            throw .system(SystemFailure("cannot describe the upload '\(id)'", .invalidArgument))
        }
        try LaneError.wrapping { () throws(SystemFailure) in
            let staging = UploadFile.description(id) + ".tmp"
            let file = try OwnedFile(staging, in: directory, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            try Array(data).span.bytes.withUnsafeBytes { bytes throws(SystemFailure) in try file.write(bytes, at: 0) }
            try file.synchronize()
            guard
                renameat(directory.descriptor, staging, directory.descriptor, UploadFile.description(id)) == 0
            else { throw .current("cannot rename '\(file.label)'") }
            try directory.synchronize()
        }
    }

    private struct Record: Codable {
        var name: String
        var digest: String
        var size: Int64
        var owner: String?
    }
}

/// Names of the files of one upload.
enum UploadFile {
    /// The directory in the lane that holds all uploads.
    static let directory = ".uploads"

    static func bytes(_ id: String) -> String { id + ".part" }
    static func description(_ id: String) -> String { id + ".json" }
    /// What is remembered of an upload that was published: its description.
    static func finished(_ id: String) -> String { id + ".done" }

    /// The id in the name of what is remembered of a finished upload; nil for another file.
    static func finishedID(in name: String) -> String? {
        guard name.hasSuffix(".done") else { return nil }
        let id = String(name.dropLast(5))
        return Digest(hex: id) == nil ? nil : id
    }

    /// The id in the name of a file of bytes or a description; nil for a file that is neither.
    static func id(in name: String) -> String? {
        guard let dot = name.firstIndex(of: "."), ["part", "json", "json.tmp"].contains(name[dot...].dropFirst()) else {
            return nil
        }
        let id = String(name[..<dot])
        return Digest(hex: id) == nil ? nil : id
    }
}

extension OwnedFile {
    /// The first `count` bytes, or as many as there are.
    fileprivate func head(of count: Int) throws(SystemFailure) -> Data {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 1)
        defer { buffer.deallocate() }
        let got = try read(into: buffer, at: 0)
        return Data(buffer[..<got])
    }
}
