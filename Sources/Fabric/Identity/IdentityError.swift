public import SystemPackage

/// Why an identity cannot be read, made or used.
public enum IdentityError: ExplainedError {
    /// A system call failed.
    case system(SystemFailure)
    /// The directory holds no private key.
    case missing(FilePath)
    /// The directory holds an identity already, which is never overwritten.
    case alreadyExists(FilePath)
    /// The private key can be read by others; the mode is that of the file.
    case exposed(FilePath, mode: UInt32)
    /// The private key belongs to another user.
    case foreign(FilePath, owner: UInt32)
    /// The private key is a link, a directory or the like.
    case irregular(FilePath)
    /// The directory is not empty and holds no identity.
    case occupied(FilePath)
    /// The private key is not 32 bytes.
    case wrongSeedSize(String, Int)
    /// `identity.pub` is not the public half of `identity.priv`.
    case keysDiffer(FilePath)
    /// `identity.json` cannot be read, or contradicts the keys.
    case badDescription(FilePath, String)
    /// The name is empty, too long, or holds control characters.
    case badName(String)
    /// Memory for the key could not be had.
    case noSecureMemory

    public var category: FailureCategory {
        switch self {
        case .system(let failure): failure.category
        case .badName: .usage
        case .noSecureMemory: .unavailable
        case .alreadyExists, .occupied: .cannotCreate
        default: .configuration
        }
    }

    public var explanation: String {
        switch self {
        case .system(let failure): failure.explanation
        case .missing(let path): "there is no identity in '\(path.string)'"
        case .alreadyExists(let path): "'\(path.string)' holds an identity already"
        case .exposed(let path, let mode):
            "the private key '\(path.string)' is open to others (mode \(String(mode, radix: 8)))"
        case .foreign(let path, let owner):
            "the private key '\(path.string)' belongs to the user with id \(owner)"
        case .irregular(let path): "the private key '\(path.string)' is not an ordinary file"
        case .occupied(let path): "'\(path.string)' holds other files and no identity"
        case .wrongSeedSize(let what, let count): "\(what) has \(count) bytes where a private key has 32"
        case .keysDiffer(let path): "the public key in '\(path.string)' does not belong to the private key"
        case .badDescription(let path, let why): "cannot use '\(path.string)': \(why)"
        case .badName(let name): "\(EscapedJSON.quote(String(name.prefix(80)))) cannot be a name"
        case .noSecureMemory: "cannot get memory that is safe for a private key"
        }
    }

    public var remedy: String? {
        switch self {
        case .system(let failure): failure.remedy
        case .missing: "create one with 'tcd identity init'"
        case .alreadyExists: "choose another directory; an identity is never overwritten"
        case .exposed(let path, _):
            "if nobody else has read it, run 'chmod 600 \(path.string)'; otherwise make a new one"
        case .foreign: "run as that user, or make an identity of your own"
        case .irregular: "put the key itself there, as a file of 32 bytes"
        case .occupied: "choose an empty or new directory"
        case .wrongSeedSize, .keysDiffer, .badDescription: "restore the directory from a copy, or make a new identity"
        case .badName: "use 1 to 255 bytes without control characters"
        case .noSecureMemory: "raise the limit of locked memory (ulimit -l)"
        }
    }
}
