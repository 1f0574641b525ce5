internal import Glibc
public import SystemPackage

/// The keys that this host holds on to: of signers, of hosts, and of what a name service says, all in one file.
///
/// `<directory>/pins.json`, mode 0600 in a directory of mode 0700. Whoever changes it holds the lock beside it, writes
/// a new file, and renames it over the old one once it is on stable storage; so a reader sees the pins before a change
/// or after it, and a crash leaves one of the two. All calls block.
public struct TrustStore: Sendable {
    /// What is known of a key.
    public enum Standing: Sendable, Equatable {
        /// It is the pinned one.
        case matches(Pin)
        /// Nothing is pinned for the subject.
        case unknown
        /// Another key is pinned.
        case changed(pinned: Pin)
    }

    /// The directory that holds the pins.
    public let directory: FilePath

    /// How many pins there may be.
    public static let mostPins = 100_000
    /// How many previous keys a pin remembers.
    public static let mostPrevious = 16

    private static let fileName = "pins.json"
    private static let lockName = "lock"

    /// The store in `directory`, which need not exist yet.
    public init(directory: FilePath) { self.directory = directory }

    /// The store below a state directory.
    public init(state: FilePath) { self.init(directory: state.appending("trust")) }

    /// The pins, ordered by kind and subject; none when there is no store yet.
    ///
    /// - Throws: `unreadable` when the file cannot be read; `damaged` when it is not as it should be.
    public func pins() throws(TrustError) -> [Pin] {
        let folder: OwnedFile
        do throws(SystemFailure) {
            folder = try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return [] }
            throw .unreadable(directory, error)
        }
        return try read(in: folder).pins
    }

    /// The pin for a subject; nil when there is none.
    public func pin(_ kind: Pin.Kind, _ subject: String) throws(TrustError) -> Pin? {
        try pins().first { $0.kind == kind && $0.subject == subject }
    }

    /// What is known of a subject's key, in whatever spelling it is given. A key that is none counts as changed.
    public func check(_ kind: Pin.Kind, _ subject: String, key: String) throws(TrustError) -> Standing {
        Self.standing(of: key, against: try pin(kind, subject))
    }

    /// Pins the key unless something is pinned already, in one step.
    ///
    /// - Returns: What was known before: `unknown` means that the key is pinned now.
    public func admit(_ pin: Pin) throws(TrustError) -> Standing {
        // Most keys are known; those need no lock.
        let known = try check(pin.kind, pin.subject, key: pin.key)
        guard case .unknown = known else { return known }
        return try change { pins throws(TrustError) in
            let held = pins.first { $0.kind == pin.kind && $0.subject == pin.subject }
            if held == nil { pins.append(pin) }
            return Self.standing(of: pin.key, against: held)
        }
    }

    /// Pins a key. The same key again changes nothing.
    ///
    /// - Throws: `conflict` when another is pinned; `tooMany`.
    public func add(_ pin: Pin) throws(TrustError) {
        if case .changed(let held) = try admit(pin) { throw .conflict(pinned: held, offered: pin.key) }
    }

    /// Removes a pin and returns it.
    ///
    /// - Throws: `missing` when there is none.
    @discardableResult
    public func remove(_ kind: Pin.Kind, _ subject: String) throws(TrustError) -> Pin {
        try change { pins throws(TrustError) in
            guard let index = pins.firstIndex(where: { $0.kind == kind && $0.subject == subject }) else {
                throw .missing(kind, subject: subject)
            }
            return pins.remove(at: index)
        }
    }

    /// Puts another key in the place of the pinned one, which is remembered as a previous key. The same key again
    /// changes nothing.
    ///
    /// - Throws: `missing` when nothing is pinned; `unusable` when `key` is none of that kind.
    /// - Returns: The new pin.
    @discardableResult
    public func rotate(
        _ kind: Pin.Kind, _ subject: String, to key: String, reason: String, source: String,
        at moment: Timestamp = .now()
    ) throws(TrustError) -> Pin {
        try change { pins throws(TrustError) in
            guard let index = pins.firstIndex(where: { $0.kind == kind && $0.subject == subject }) else {
                throw .missing(kind, subject: subject)
            }
            let old = pins[index]
            let until = Timestamp(seconds: moment.seconds)
            let replaced = Pin.Previous(key: old.key, since: old.since, until: until, reason: old.reason)
            let new = try Pin(
                kind: kind, subject: subject, key: key, since: moment, reason: reason, source: source,
                previous: Array(([replaced] + old.previous).prefix(Self.mostPrevious)))
            if new.key == old.key { return old }
            pins[index] = new
            return new
        }
    }

    /// Pins the hosts that the routes of a name service lead to, beside the key that is pinned for the subject.
    ///
    /// - Parameter replacing: Whether hosts that are pinned already make way. If false, they stay.
    /// - Returns: The pin as it stands afterwards.
    /// - Throws: `missing` when no key is pinned; `unusable` for hosts that a pin cannot have.
    @discardableResult
    public func pinHosts(
        _ hosts: [String], of kind: Pin.Kind, _ subject: String, replacing: Bool
    ) throws(TrustError) -> Pin {
        try change { pins throws(TrustError) in
            guard let index = pins.firstIndex(where: { $0.kind == kind && $0.subject == subject }) else {
                throw .missing(kind, subject: subject)
            }
            let old = pins[index]
            if old.hosts != nil, !replacing { return old }
            pins[index] = try Pin(
                kind: kind, subject: subject, key: old.key, since: old.since, reason: old.reason, source: old.source,
                previous: old.previous, hosts: hosts)
            return pins[index]
        }
    }

    private static func standing(of key: String, against pin: Pin?) -> Standing {
        guard let pin else { return .unknown }
        return Pin.canonical(key, of: pin.kind) == pin.key ? .matches(pin) : .changed(pinned: pin)
    }
}

// MARK: - The file

extension TrustStore {
    /// Does `body` with the pins under the lock, and stores what it makes of them if that is something else.
    private func change<Value>(_ body: (inout [Pin]) throws(TrustError) -> Value) throws(TrustError) -> Value {
        let folder: OwnedFile
        let lock: OwnedFile
        do throws(SystemFailure) {
            try Directories.create(directory)
            folder = try OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)
            // Opened anew each time: a lock belongs to the opening, and a shared one would let two threads in.
            lock = try OwnedFile(Self.lockName, in: folder, flags: O_RDWR | O_CREAT | O_NOFOLLOW)
            try lock.lock()
            // Whoever wrote these has died: writing happens under the lock.
            for name in try Directories.list(folder) where StagingName.isOurs(name) {
                unlinkat(folder.descriptor, name, 0)
            }
        } catch {
            throw .system(error)
        }
        defer { withExtendedLifetime(lock) {} }
        let before = try read(in: folder).pins
        var after = before
        let value = try body(&after)
        guard after.count <= Self.mostPins else { throw .tooMany(before.count) }
        if after != before { try write(PinFile(pins: after), in: folder) }
        return value
    }

    private func read(in folder: OwnedFile) throws(TrustError) -> PinFile {
        let bytes: [UInt8]
        do throws(SystemFailure) {
            let file = try OwnedFile(Self.fileName, in: folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            let size = Int(clamping: try file.status().st_size)
            bytes = try file.bytes(atMost: min(size, PinFile.sizeLimit) + 1)
        } catch {
            if error.errno == .noSuchFileOrDirectory { return PinFile(pins: []) }
            throw .unreadable(directory.appending(Self.fileName), error)
        }
        do throws(PinFile.Flaw) {
            return try PinFile(json: bytes)
        } catch {
            throw .damaged(directory.appending(Self.fileName), error.why)
        }
    }

    private func write(_ pins: PinFile, in folder: OwnedFile) throws(TrustError) {
        let bytes: [UInt8]
        do throws(PinFile.Flaw) {
            bytes = try pins.json()
        } catch {
            throw .damaged(directory.appending(Self.fileName), error.why)
        }
        do throws(SystemFailure) {
            try ReplaceableFile.replace(Self.fileName, in: folder, with: bytes)
        } catch {
            throw .system(error)
        }
    }
}
