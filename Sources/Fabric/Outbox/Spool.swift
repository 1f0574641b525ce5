internal import CLinux
internal import Glibc
public import SystemPackage

/// Where sealed envelopes lie until their receipt is in.
///
/// What is sealed here is on stable storage before the first byte leaves, and the very same file is what every attempt
/// sends: same transfer id, same digest, same signature. It leaves only when it was delivered, so a failed send, a
/// crash or a power cut loses nothing. All calls block.
public struct Spool: Sendable {
    /// The directory of the spool.
    public let directory: FilePath

    private let handle: OwnedFile
    private let names: SurfaceLedger

    /// Opens the spool below tcd's state directory, creating it (mode 0700) where it is missing.
    public init(state: FilePath) throws(SpoolError) {
        directory = state.appending("outbox")
        do throws(SystemFailure) {
            try Directories.create(directory)
            handle = try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw .system(error)
        }
        do throws(SurfaceError) {
            names = try SurfaceLedger(directory: state.appending("names"))
        } catch {
            throw .names(error)
        }
        removeAbandoned()
    }

    /// Seals `input` into the spool under a name that this host has not used before (`surface.md`, R10).
    ///
    /// - Parameter name: The surface name to use; digits of the digest are added if it was used already.
    /// - Returns: What was sealed, ready for any carrier, and where it lies.
    public func seal(
        _ input: SealInput, as name: ArrivalName, with sealer: Sealer, at moment: Timestamp
    ) throws(SpoolError) -> Spooled {
        let working = Self.workingPrefix + StagingName.fresh().dropFirst().dropLast(5)
        let path = directory.appending(working)
        let report: SealReport
        do throws(EnvelopeError) {
            report = try sealer.seal(input, to: path)
        } catch {
            throw .envelope(error)
        }
        var isNamed = false
        defer { if !isNamed { unlinkat(handle.descriptor, working, 0) } }
        let (digest, size) = try SpoolError.wrapping { () throws(SystemFailure) in
            try FileSource(path: path).digest()
        }
        let unique = try claim(name, digest: digest, at: moment)
        let target = directory.appending(unique.text)
        guard tibet_rename_noreplace(handle.descriptor, working, handle.descriptor, unique.text) == 0 else {
            throw .system(.current("cannot spool '\(target)'"))
        }
        isNamed = true
        try SpoolError.wrapping { () throws(SystemFailure) in try handle.synchronize() }
        let envelope = SealedEnvelope(file: target, name: unique, digest: digest, size: size)
        return Spooled(envelope: envelope, path: target, report: report)
    }

    private static let workingPrefix = "sealing-"

    /// Removes what a process left behind that died while sealing: files that nobody holds a lock on, and have not been
    /// written to for a day, since a finished file is without a lock for a moment before it gets its name.
    private func removeAbandoned() {
        let limit = Timestamp.now().seconds - 86400
        for name in (try? Directories.list(handle)) ?? [] {
            guard StagingName.isOurs(name) || name.hasPrefix(Self.workingPrefix) else { continue }
            var status = stat()
            guard fstatat(handle.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
                Int64(status.st_mtim.tv_sec) < limit
            else { continue }
            let file = try? OwnedFile(name, in: handle, flags: O_RDWR | O_NOFOLLOW | O_NONBLOCK)
            if file?.lockIfFree() == true { unlinkat(handle.descriptor, name, 0) }
        }
    }

    private func claim(_ name: ArrivalName, digest: Digest, at moment: Timestamp) throws(SpoolError) -> ArrivalName {
        do throws(SurfaceError) {
            return try names.claim(name, digest: digest, at: moment)
        } catch {
            throw .names(error)
        }
    }

    /// Takes an envelope out, because its receipt is in.
    public func remove(_ spooled: Spooled) throws(SpoolError) {
        try remove(spooled.path)
    }

    /// Takes the envelope at `path` out, if it lies in this spool; one that lies elsewhere stays.
    public func remove(ifSpooled path: FilePath) throws(SpoolError) {
        let parent = path.removingLastComponent()
        var (there, here) = (stat(), stat())
        guard stat(parent.isEmpty ? "." : parent.string, &there) == 0, fstat(handle.descriptor, &here) == 0,
            there.st_dev == here.st_dev, there.st_ino == here.st_ino
        else { return }
        try remove(path)
    }

    private func remove(_ path: FilePath) throws(SpoolError) {
        guard let name = path.lastComponent?.string, unlinkat(handle.descriptor, name, 0) == 0 else {
            throw .system(.current("cannot remove '\(path)' from the outbox"))
        }
    }
}

/// An envelope in the spool.
public struct Spooled: Sendable {
    /// What carriers are given.
    public let envelope: SealedEnvelope
    /// Where it lies.
    public let path: FilePath
    /// What became of sealing it.
    public let report: SealReport
}

/// Why an envelope could not be put into the spool, or taken out.
public enum SpoolError: ExplainedError {
    /// Sealing failed.
    case envelope(EnvelopeError)
    /// No name could be found for it.
    case names(SurfaceError)
    /// A system call failed.
    case system(SystemFailure)

    private var cause: any ExplainedError {
        switch self {
        case .envelope(let error): error
        case .names(let error): error
        case .system(let error): error
        }
    }

    public var category: FailureCategory { cause.category }
    public var explanation: String { cause.explanation }
    public var remedy: String? { cause.remedy }
}

extension SpoolError {
    static func wrapping<Result>(_ body: () throws(SystemFailure) -> Result) throws(SpoolError) -> Result {
        do { return try body() } catch { throw .system(error) }
    }
}
