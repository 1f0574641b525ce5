internal import CLinux
internal import Glibc
public import SystemPackage

/// A directory that holds one identity, laid out as `tibet-drop` lays it out (`envelope.md`, section 7):
///
/// - `identity.priv`: the 32 raw bytes of the seed, mode 0600;
/// - `identity.pub`: the 32 raw bytes of the public key;
/// - `identity.json`: the name, the public key and its fingerprint.
///
/// Only the first is needed. Nothing here ever changes or replaces an identity that exists. All calls block.
public struct IdentityDirectory: Sendable, Hashable {
    /// Where the directory is, or will be.
    public let path: FilePath

    static let privateKeyName = "identity.priv"
    static let publicKeyName = "identity.pub"
    static let descriptionName = "identity.json"

    /// Whose files these must be.
    private let owner: UInt32

    /// The directory at `path`, which need not exist.
    public init(_ path: FilePath) { self.init(path, owner: geteuid()) }

    init(_ path: FilePath, owner: UInt32) {
        self.path = path
        self.owner = owner
    }

    /// Reads the identity.
    ///
    /// - Throws: `missing` when there is none; `exposed`, `foreign`, `irregular` or `wrongSeedSize` when the private key
    ///   is not as it must be; `keysDiffer` or `badDescription` when the other files are not of the same identity;
    ///   `system` when a file cannot be read; `noSecureMemory`.
    public func load() throws(IdentityError) -> Identity {
        let directory: OwnedFile
        do throws(SystemFailure) {
            directory = try OwnedFile(path: path, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            throw error.errno == .noSuchFileOrDirectory ? .missing(path) : .system(error)
        }
        let key = try readPrivateKey(in: directory)
        if let found = try read(Self.publicKeyName, in: directory, limit: PublicKey.byteCount) {
            guard found == key.publicKey.bytes else { throw .keysDiffer(path) }
        }
        guard let json = try read(Self.descriptionName, in: directory, limit: IdentityDescription.sizeLimit) else {
            return try Identity(name: Identity.defaultName, key: key)
        }
        let descriptionPath = path.appending(Self.descriptionName)
        guard let description = IdentityDescription(json: json) else {
            throw .badDescription(descriptionPath, "it is not an identity's description in JSON")
        }
        guard description.belongs(to: key.publicKey) else {
            throw .badDescription(descriptionPath, "it describes another key")
        }
        return try Identity(name: description.name ?? Identity.defaultName, key: key)
    }

    /// Reads the identity; makes one where there is none. When two processes do this at once, both get the same.
    ///
    /// - Parameter name: The name of a new identity; that of an existing one stays.
    /// - Throws: As `load` and `create`.
    public func loadOrCreate(name: String = Identity.defaultName) throws(IdentityError) -> Identity {
        do {
            return try load()
        } catch {
            guard case .missing = error else { throw error }
        }
        do {
            return try create(name: name)
        } catch {
            guard case .alreadyExists = error else { throw error }
            return try load()
        }
    }

    /// Reads the seed from the file straight into the key's memory.
    private func readPrivateKey(in directory: OwnedFile) throws(IdentityError) -> SigningKey {
        let keyPath = path.appending(Self.privateKeyName)
        let file: OwnedFile
        let status: stat
        do throws(SystemFailure) {
            file = try OwnedFile(Self.privateKeyName, in: directory, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            status = try file.status()
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: throw .missing(path)
            case .tooManySymbolicLinkLevels: throw .irregular(keyPath)
            default: throw .system(error)
            }
        }
        guard tibet_is_regular(status.st_mode) else { throw .irregular(keyPath) }
        guard status.st_uid == owner else { throw .foreign(keyPath, owner: status.st_uid) }
        let mode = status.st_mode & 0o7777
        guard mode & 0o077 == 0 else { throw .exposed(keyPath, mode: mode) }
        let size = Int(status.st_size)
        guard size == SigningKey.seedByteCount else { throw .wrongSeedSize("'\(keyPath.string)'", size) }
        return try SigningKey { seed throws(IdentityError) in
            let got = try IdentityError.wrapping { () throws(SystemFailure) in try file.read(into: seed, at: 0) }
            guard got == SigningKey.seedByteCount else { throw .wrongSeedSize("'\(keyPath.string)'", got) }
        }
    }

    /// The bytes of a public file, one more than `limit` at most; nil when there is none.
    private func read(_ name: String, in directory: OwnedFile, limit: Int) throws(IdentityError) -> [UInt8]? {
        do throws(SystemFailure) {
            let file = try OwnedFile(name, in: directory, flags: O_RDONLY | O_NONBLOCK)
            return try file.bytes(atMost: limit + 1)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return nil }
            throw .system(error)
        }
    }
}

extension IdentityError {
    /// Does `body`, turning the failure of a system call into an identity's.
    static func wrapping<Result>(_ body: () throws(SystemFailure) -> Result) throws(IdentityError) -> Result {
        do { return try body() } catch { throw .system(error) }
    }
}
