internal import CLinux
internal import Glibc
internal import Synchronization
public import SystemPackage

/// The names that this host has given to envelopes, so that none is used twice for different bytes (`surface.md`,
/// section 7, R10): every peer receiver overwrites on equal names.
///
/// One file per UTC day under `directory`, one line per name; the day is that of the name's time fragment, or of the
/// claim where the fragment has none. Processes exclude each other with a lock on a file beside them, and every line
/// is on stable storage before a name is handed out. All calls block.
///
/// A day's names are forgotten once the day is more than two days past and nothing was claimed in it for two days. A
/// day that has reached `fullSize` hands out distinguished names only, which need not be remembered.
public final class SurfaceLedger: Sendable {
    /// Where the files are.
    public let directory: FilePath

    private static let secondsKept: Int64 = 2 * 86400
    private static let lockName = "lock"

    private let handle: OwnedFile
    /// The day that was used last, so that a process that claims many names reads each line once.
    private let latest = Mutex<LedgerDay?>(nil)

    /// Opens the ledger, creating the directory (mode 0700) and its parents where they are missing.
    ///
    /// - Throws: `ledger` when the directory cannot be made or opened.
    public init(directory: FilePath) throws(SurfaceError) {
        self.directory = directory
        do {
            try Directories.create(directory)
            handle = try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw .ledger(error)
        }
    }

    /// The name that the envelope with this digest is to have: `name` itself when it was not used on this host for
    /// other bytes, and otherwise `name` with the first 8 digits of the digest as its fifth part.
    ///
    /// Two digests with the same first digits are told apart by 16 or 64. The same name claimed for the same digest
    /// again gives the same answer, so a send that is repeated after a crash keeps its name.
    ///
    /// - Parameters:
    ///   - name: The name that the surface asks for.
    ///   - digest: The SHA-256 of the sealed envelope.
    ///   - moment: Now.
    /// - Throws: `ledger` when the files cannot be read or written; `noFreeName` when the name is too long to be made
    ///   unique. Nothing was handed out then.
    public func claim(
        _ name: ArrivalName, digest: Digest, at moment: Timestamp = .now()
    ) throws(SurfaceError) -> ArrivalName {
        let fragment = SurfaceName(parsing: name.text).surface?.timeFragment
        let day = fragment.flatMap(SurfaceGrammar.day) ?? moment.surfaceDate
        let claimed: ArrivalName?
        do {
            claimed = try latest.withLock { latest throws(SystemFailure) in
                let lock = try lockedFile()
                defer { withExtendedLifetime(lock) {} }
                var ledger = latest.flatMap { $0.day == day ? $0 : nil } ?? LedgerDay(day)
                // Forgotten until all is well: what a failed write left is read anew.
                latest = nil
                let isNew = try ledger.refresh(in: handle)
                if isNew { try dropOldDays(before: moment, keeping: ledger) }
                let claimed = try ledger.claim(name, digest: digest, in: handle)
                latest = ledger
                return claimed
            }
        } catch {
            throw .ledger(error)
        }
        guard let claimed else { throw .noFreeName(name) }
        return claimed
    }

    /// Opens the lock file anew and waits for its lock, which goes with the descriptor. Anew, because a lock belongs
    /// to the opening: a shared one would let two threads in.
    private func lockedFile() throws(SystemFailure) -> OwnedFile {
        let file = try OwnedFile(Self.lockName, in: handle, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
        try file.lock()
        return file
    }

    /// Removes the days that nobody can ask for any more, and what an interrupted replacement left.
    private func dropOldDays(before moment: Timestamp, keeping current: LedgerDay) throws(SystemFailure) {
        let oldest = moment.seconds - Self.secondsKept
        let oldestDay = Timestamp(seconds: oldest).surfaceDate
        for name in try Directories.list(handle) {
            if StagingName.isOurs(name) {
                _ = unlinkat(handle.descriptor, name, 0)
                continue
            }
            guard let day = LedgerDay(fileName: name), day.fileName != current.fileName, day.day < oldestDay else {
                continue
            }
            var info = stat()
            guard fstatat(handle.descriptor, name, &info, AT_SYMLINK_NOFOLLOW) == 0,
                Int64(info.st_mtim.tv_sec) < oldest
            else { continue }
            _ = unlinkat(handle.descriptor, name, 0)
        }
    }
}
