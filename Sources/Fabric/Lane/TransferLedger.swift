internal import CLinux
internal import Glibc
public import SystemPackage

/// The transfers that a receiver has dealt with, so that what retries, fallbacks and replays bring again is dealt with
/// once (`envelope.md`, section 9).
///
/// A transfer is the pair of the sender's key and the transfer id. Each is one small file named by the digest of the
/// pair, in a folder of a day; the file holds the envelope's digest. The day is the one on which it was remembered, or
/// that of the envelope's date where that is later: it would not be too old before that date plus 30 days. Names are made
/// without replacing, so receivers that share a ledger cannot both remember a transfer first. All calls block.
public struct TransferLedger: Sendable {
    /// What is known of a transfer.
    public enum Standing: Sendable, Equatable {
        /// It did not come before.
        case fresh
        /// This very envelope came before: harmless, and not to be dealt with again.
        case duplicate
        /// Another envelope of this sender had the same transfer id.
        case replayed(first: Digest)
        /// It was sealed so long ago that the ledger would have forgotten it.
        case tooOld

        /// Why the envelope is not to be dealt with (`envelope.md`, section 10.2, step 11); nil for one that is fresh.
        public var fault: EnvelopeFault? {
            switch self {
            case .fresh: nil
            case .duplicate: EnvelopeFault(.duplicate, "this very envelope came before")
            case .replayed(let first):
                EnvelopeFault(.replayedTPID, "another envelope of this sender had its transfer id (\(first))")
            case .tooOld:
                EnvelopeFault(
                    .replayedTPID, "sealed more than \(daysKept) days ago, too long to tell whether it came before")
            }
        }
    }

    /// How long transfers are remembered, in days; older envelopes are not taken for fresh.
    public static let daysKept: Int64 = 30

    private let handle: OwnedFile

    /// Opens the ledger in `directory`, creating it (mode 0700) where it is missing.
    public init(directory: FilePath) throws(LaneError) {
        handle = try LaneError.wrapping { () throws(SystemFailure) in
            try Directories.create(directory)
            return try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
        }
    }

    /// What is known of the transfer that a verified manifest describes.
    ///
    /// - Parameter digest: The SHA-256 of the sealed envelope.
    public func standing(
        of manifest: Manifest, digest: Digest, at moment: Timestamp = .now()
    ) throws(LaneError) -> Standing {
        if let first = try first(of: manifest) { return first == digest ? .duplicate : .replayed(first: first) }
        return manifest.createdAt.seconds < moment.seconds - Self.daysKept * 86400 ? .tooOld : .fresh
    }

    /// Whether an envelope of this transfer was dealt with.
    public func knows(_ manifest: Manifest) throws(LaneError) -> Bool { try first(of: manifest) != nil }

    /// The digest of the envelope that was dealt with under this transfer; nil when there was none.
    private func first(of manifest: Manifest) throws(LaneError) -> Digest? {
        let name = Self.name(of: manifest)
        let days = try LaneError.wrapping { () throws(SystemFailure) in try Directories.list(handle) }
        for day in days where Self.isDay(day) {
            if let first = try read(day + "/" + name) { return first }
        }
        return nil
    }

    /// Remembers that the transfer was dealt with. On return that is on stable storage.
    ///
    /// - Returns: False when somebody else had remembered it since it was asked for.
    @discardableResult
    public func remember(
        _ manifest: Manifest, digest: Digest, at moment: Timestamp = .now()
    ) throws(LaneError) -> Bool {
        let day = Self.day(for: manifest, at: moment)
        return try LaneError.wrapping { () throws(SystemFailure) in
            if mkdirat(handle.descriptor, day, 0o700) == 0 {
                try forget(before: moment)
                try handle.synchronize()
            }
            let folder = try OwnedFile(day, in: handle, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            let staging = StagingName.fresh()
            let file = try OwnedFile(staging, in: folder, flags: O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
            try file.write(bytes: Array(digest.hex.utf8), at: 0)
            try file.synchronize()
            let name = Self.name(of: manifest)
            do throws(SystemFailure) {
                let action = "cannot remember a transfer in '\(folder.label)'"
                guard try NoReplaceRename.move(staging, in: folder, to: name, in: folder, doing: action) else {
                    unlinkat(folder.descriptor, staging, 0)
                    return false
                }
            } catch {
                unlinkat(folder.descriptor, staging, 0)
                throw error
            }
            try folder.synchronize()
            return true
        }
    }

    private func read(_ name: String) throws(LaneError) -> Digest? {
        do throws(SystemFailure) {
            let file = try OwnedFile(name, in: handle, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let memory = Memory(byteCount: 64)
            let count = try file.read(into: memory.bytes, at: 0)
            return Digest(hex: String(decoding: memory.read(count), as: UTF8.self))
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw .system(error)
        }
    }

    /// The folder for a transfer that is remembered at `moment`.
    private static func day(for manifest: Manifest, at moment: Timestamp) -> String {
        let ahead = manifest.createdAt.seconds - moment.seconds
        if ahead <= 0 { return moment.surfaceDate }
        // A sender chooses the date, and each folder is looked into for every transfer: beyond a month, one for a year.
        return ahead <= 31 * 86400 ? manifest.createdAt.surfaceDate : "\(manifest.createdAt.iso8601.prefix(4))-12-31"
    }

    /// Removes the days that are older than what is kept.
    private func forget(before moment: Timestamp) throws(SystemFailure) {
        // A day more, because an envelope may have been remembered late on the day that it was sealed early.
        let oldest = Timestamp(seconds: moment.seconds - (Self.daysKept + 1) * 86400).surfaceDate
        for day in try Directories.list(handle) where Self.isDay(day) && day < oldest {
            SafeTree.remove(day, in: handle)
        }
    }

    private static func name(of manifest: Manifest) -> String {
        Digest(of: manifest.senderKey.bytes + Array(manifest.transferID.text.utf8)).hex
    }

    private static func isDay(_ name: String) -> Bool { Timestamp(iso8601: name + "T00:00:00Z") != nil }
}
