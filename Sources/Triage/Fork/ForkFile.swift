package import Fabric
package import SystemPackage

/// The file form, `<name>.fork.json` (`triage.md`, section 2).
extension ForkToken {
    /// The largest token that is read, in bytes. Layers name every file of a state, so it can be large.
    package static let largestFile = 16 << 20

    /// Reads a token from the text of a file: with what peers write around it, or bare.
    package init(parsing bytes: [UInt8]) throws(ForkFault) {
        let value: JSONValue
        do throws(JSONFault) { value = try JSONValue(parsing: bytes) } catch { throw .notJSON("\(error)") }
        guard let object = value.object else { throw .notToken("it is not an object") }
        guard let inner = object["fork"] else {
            guard object["fork_id"] != nil || object["fork_hash"] != nil else {
                throw .notToken("it has neither 'fork' nor 'fork_id'")
            }
            try self.init(fields: object)
            return
        }
        guard let fields = inner.object else { throw .wrongKind(field: "fork", wanted: "an object") }
        try self.init(fields: fields, wrapper: object)
    }

    /// The text of the file, byte for byte as the peers would write it: two spaces of indent, nothing but ASCII, no line
    /// feed at the end.
    package var fileText: String {
        var around = wrapper ?? ["protocol": "UPIP", "protocol_version": "1.0", "type": "fork_token"]
        around["fork"] = .object(fields)
        return JSONValue.object(around).text(.indentedPython)
    }

    /// Reads the token in the file at `path`, and the bytes that it was read from. Blocks.
    package static func read(
        _ path: FilePath
    ) throws(ForkFileError) -> (token: ForkToken, bytes: [UInt8]) {
        let bytes = try ForkFileError.read(path, atMost: largestFile)
        do throws(ForkFault) {
            return (try ForkToken(parsing: bytes), bytes)
        } catch {
            throw .content(path.string, error)
        }
    }
}

/// Why a file could not be read as what it should be.
package enum ForkFileError: ExplainedError {
    /// There is none.
    case missing(String)
    /// It could not be read.
    case system(SystemFailure)
    /// It is something else.
    case content(String, ForkFault)

    /// The bytes of the file at `path`.
    package static func read(_ path: FilePath, atMost limit: Int) throws(ForkFileError) -> [UInt8] {
        let bytes: [UInt8]?
        do throws(SystemFailure) {
            bytes = try ReplaceableFile.read(path, atMost: limit + 1)
        } catch {
            throw .system(error)
        }
        guard let bytes else { throw .missing(path.string) }
        guard bytes.count <= limit else { throw .content(path.string, .tooLarge(limit: limit)) }
        return bytes
    }

    package var category: FailureCategory {
        switch self {
        case .missing: .noInput
        case .system(let failure): failure.category
        case .content(_, let fault): fault.category
        }
    }

    package var explanation: String {
        switch self {
        case .missing(let path): "there is no file '\(path)'"
        case .system(let failure): failure.explanation
        case .content(let path, let fault): "'\(path)': \(fault.explanation)"
        }
    }

    package var remedy: String? {
        switch self {
        case .missing: nil
        case .system(let failure): failure.remedy
        case .content(_, let fault): fault.remedy
        }
    }
}
