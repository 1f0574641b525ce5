internal import Glibc
internal import SystemPackage

extension IdentityDirectory {
    /// Makes a new identity here, with a fresh key unless one is given.
    ///
    /// The three files are written and synced in a directory beside this one, which then takes this name in one step.
    /// So there is either a whole identity here or none, and of two processes that create at once one wins. An empty
    /// directory gives way; anything else stays as it is.
    ///
    /// - Parameters:
    ///   - name: The name of the identity.
    ///   - key: The key; a fresh one when nil.
    /// - Returns: The identity, which is on stable storage.
    /// - Throws: `alreadyExists` when an identity is here; `occupied` when other files are; `badName`; `system`.
    @discardableResult
    public func create(name: String = Identity.defaultName, key: SigningKey? = nil) throws(IdentityError) -> Identity {
        let freshKey: SigningKey
        if let key { freshKey = key } else { freshKey = try .generate() }
        let identity = try Identity(name: name, key: freshKey)
        do throws(SystemFailure) {
            let beside = path.removingLastComponent()
            let parentPath = beside.isEmpty ? FilePath(".") : beside
            try Directories.create(parentPath)
            let parent = try OwnedFile(path: parentPath, flags: O_RDONLY | O_DIRECTORY)
            guard let target = path.lastComponent?.string else {
                throw SystemFailure("cannot create an identity in '\(path.string)'", .invalidArgument)
            }
            let staging = StagingName.fresh()
            defer { Self.removeStaging(staging, in: parent) }
            try Self.write(identity, into: staging, in: parent)
            if try Self.publish(staging, as: target, in: parent) { return identity }
        } catch {
            throw .system(error)
        }
        throw holdsPrivateKey ? .alreadyExists(path) : .occupied(path)
    }

    /// Writes the three files into the new directory `staging`.
    private static func write(
        _ identity: Identity, into staging: String, in parent: OwnedFile
    ) throws(SystemFailure) {
        guard mkdirat(parent.descriptor, staging, 0o700) == 0 else {
            throw .current("cannot create the directory '\(parent.label)/\(staging)'")
        }
        let directory = try OwnedFile(staging, in: parent, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let seed = try OwnedFile(privateKeyName, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
        try identity.key.withSeed { bytes throws(SystemFailure) in try seed.write(bytes, at: 0) }
        try seed.synchronize()
        let description = IdentityDescription(name: identity.name, key: identity.publicKey)
        let open = [(publicKeyName, identity.publicKey.bytes), (descriptionName, Array(description.json.utf8))]
        for (name, content) in open {
            let file = try OwnedFile(name, in: directory, flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
            try file.write(content)
            try file.synchronize()
        }
        try directory.synchronize()
    }

    /// Gives the directory its name; false when the name is taken by anything but an empty directory.
    private static func publish(
        _ staging: String, as target: String, in parent: OwnedFile
    ) throws(SystemFailure) -> Bool {
        // Renaming a directory replaces nothing but an empty directory (rename(2)), so no identity is lost by it.
        if renameat(parent.descriptor, staging, parent.descriptor, target) != 0 {
            if [EEXIST, ENOTEMPTY, ENOTDIR].contains(errno) { return false }
            throw .current("cannot create the identity '\(parent.label)/\(target)'")
        }
        try parent.synchronize()
        return true
    }

    /// Removes what was not published. After a publication the name is gone, and this finds nothing.
    private static func removeStaging(_ staging: String, in parent: OwnedFile) {
        for name in [privateKeyName, publicKeyName, descriptionName] {
            _ = unlinkat(parent.descriptor, staging + "/" + name, 0)
        }
        _ = unlinkat(parent.descriptor, staging, AT_REMOVEDIR)
    }

    private var holdsPrivateKey: Bool {
        var info = stat()
        return path.appending(Self.privateKeyName).withPlatformString { lstat($0, &info) } == 0
    }
}
