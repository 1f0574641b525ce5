internal import Fabric
internal import FoundationEssentials
internal import HubClient

/// An envelope as a frame carries it: read strictly, since whatever is wrong must be told apart before it is stored
/// (`mux.md`, section 5.2).
struct MuxFrame: Sendable {
    /// The name to publish under.
    let name: ArrivalName
    /// The number of bytes that it claims to have.
    let size: Int64
    /// The digest that it claims to have; of a peer's frame, which claims none, that of its bytes.
    let digest: Digest
    /// Its bytes, or where they are.
    let content: HubArrival.Content

    /// What a payload turned out to be.
    enum Reading: Sendable {
        /// An envelope.
        case envelope(MuxFrame)
        /// Something that never was meant to be one. It is nobody's error.
        case foreign
        /// Something that should be an envelope and cannot be stored, and why.
        case unusable(String)
    }

    /// Reads a payload.
    ///
    /// - Parameter trustsSize: Whether a size that the bytes do not have is kept as a claim, for the lane to find out.
    static func read(_ payload: JSONValue?, trustsSize: Bool) -> Reading {
        guard let payload = payload?.object else { return .foreign }
        guard payload["bundle_b64"] != nil || payload["blob_id"] != nil || payload["name"] != nil else {
            return .foreign
        }
        guard let text = payload["name"]?.text else { return .unusable("it has no name") }
        guard let name = ArrivalName(text) else { return .unusable("its name cannot be used") }
        let claimed = payload["size_bytes"]
        let size = claimed?.integer
        if claimed != nil, size.map({ $0 < 0 }) ?? true { return .unusable("its size cannot be") }
        let digest: Digest?
        switch payload["digest"] {
        case nil, .null?: digest = nil
        case .text(let text)? where text.hasPrefix("sha256:"):
            guard let read = Digest(hex: String(text.dropFirst(7))) else { return .unusable("its digest is none") }
            digest = read
        default: return .unusable("its digest is none")
        }
        if let id = payload["blob_id"] {
            guard let id = id.text, HubBlob.isID(id), let size, let digest else {
                return .unusable("it names a blob without id, size or digest")
            }
            return .envelope(MuxFrame(name: name, size: size, digest: digest, content: .blob(id)))
        }
        guard let encoded = payload["bundle_b64"]?.text, let bytes = strictBase64(encoded) else {
            return .unusable("its bytes are no base64")
        }
        if let size, !trustsSize, size != Int64(bytes.count) {
            return .unusable("it has \(bytes.count) bytes where \(size) were announced")
        }
        return .envelope(
            MuxFrame(
                name: name, size: size ?? Int64(bytes.count), digest: digest ?? Digest(of: bytes),
                content: .inline(bytes)))
    }

    /// The bytes that base64 with padding and nothing else spells; nil for anything that another writer would have
    /// spelled otherwise.
    private static func strictBase64(_ text: String) -> [UInt8]? {
        guard let data = Data(base64Encoded: text), data.base64EncodedString().utf8.elementsEqual(text.utf8) else {
            return nil
        }
        return Array(data)
    }
}
