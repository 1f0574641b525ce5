internal import CSSH2
internal import Glibc

/// What can be read of a private key without its passphrase.
struct KeyFile {
    /// How the key is protected.
    enum Protection: Equatable {
        case none
        /// With a passphrase, by a cipher that libssh2 knows.
        case passphrase
        /// With a passphrase, by a cipher that libssh2 1.10 does not know: it fails as if the passphrase were wrong.
        case unsupported(cipher: String)
    }

    let path: String
    let protection: Protection
    /// The public key, where the file, or the one beside it that ends in `.pub`, has it.
    let publicKey: HostKey?
    /// Whether it is an RSA key, which libssh2 1.10 would sign with SHA-1, and current servers refuse that.
    let isRSA: Bool

    /// Why a file is not used.
    enum Unusable: Error, Equatable {
        case missing
        case unreadable
        case noPrivateKey
    }

    init(path: String) throws(Unusable) {
        self.path = path
        guard let bytes = try Self.read(path) else { throw .noPrivateKey }
        let text = String(decoding: bytes, as: UTF8.self)
        var key = try? Self.read(path + ".pub").flatMap(Self.publicKey)
        if let body = Self.body(of: "OPENSSH PRIVATE KEY", in: text), let header = OpenSSHHeader(body) {
            protection = header.protection
            key = header.publicKey ?? key
        } else if text.contains("PRIVATE KEY-----") {
            let isEncrypted = text.contains("ENCRYPTED")
            protection = isEncrypted ? .passphrase : .none
        } else {
            throw .noPrivateKey
        }
        publicKey = key
        isRSA = key.map { $0.type == "ssh-rsa" } ?? text.contains("BEGIN RSA PRIVATE KEY")
    }

    /// The public key in the file beside a private one, or in `path` itself when only the agent has the private one.
    static func publicKey(beside path: String) -> HostKey? {
        for candidate in [path + ".pub", path] {
            if let bytes = try? read(candidate), let key = publicKey(bytes) { return key }
        }
        return nil
    }

    private static func publicKey(_ bytes: [UInt8]) -> HostKey? {
        let fields = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard fields.count >= 2, let blob = Base64.decode(fields[1]), let key = HostKey(blob: blob),
            key.type == fields[0]
        else { return nil }
        return key
    }

    private static func body(of label: String, in text: String) -> [UInt8]? {
        let lines = text.split(whereSeparator: \.isNewline)
        guard let start = lines.firstIndex(of: "-----BEGIN \(label)-----"),
            let end = lines.firstIndex(of: "-----END \(label)-----"), start < end
        else { return nil }
        return Base64.decode(lines[(start + 1)..<end].joined())
    }

    /// Up to 64 KiB; nil for a file that has more.
    private static func read(_ path: String) throws(Unusable) -> [UInt8]? {
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable }
        let owner = Descriptor(number)
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = pread(owner.number, &buffer, buffer.count, 0)
        guard count >= 0 else { throw .unreadable }
        return count == buffer.count ? nil : Array(buffer[..<count])
    }
}

/// The open part of a key in OpenSSH's own form (OpenSSH, PROTOCOL.key).
private struct OpenSSHHeader {
    let protection: KeyFile.Protection
    let publicKey: HostKey?

    private static let magic = Array("openssh-key-v1\0".utf8)

    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: Self.magic) else { return nil }
        var reader = WireReader(Array(bytes.dropFirst(Self.magic.count)))
        guard let cipherName = reader.string(), reader.string() != nil, reader.string() != nil, reader.uint32() != nil,
            let blob = reader.string()
        else { return nil }
        let cipher = String(decoding: cipherName, as: UTF8.self)
        publicKey = HostKey(blob: blob)
        switch cipher {
        case "none": protection = .none
        case "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-ctr", "aes192-ctr", "aes256-ctr":
            protection = .passphrase
        default: protection = .unsupported(cipher: cipher)
        }
    }
}
