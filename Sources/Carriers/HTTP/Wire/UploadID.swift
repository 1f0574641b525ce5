internal import Fabric

/// The name of one resumable upload: 64 hexadecimal digits that sender and receiver compute alike, so that both find
/// the upload again after either was restarted.
enum UploadID {
    /// The directory below `/inbox/` where uploads live. No envelope can have this name, as it begins with a dot.
    static let directory = ".uploads"

    /// The id of the upload of `size` bytes with `digest` under `name` by whoever holds `owner`; nil for nobody known.
    static func derive(name: ArrivalName, digest: Digest, size: Int64, owner: PublicKey?) -> String {
        let parts = ["tibet-upload-1", digest.hex, String(size), owner?.hex ?? "anonymous", name.text]
        return Digest(of: parts.joined(separator: "\n").utf8).hex
    }

    /// The id at the end of a `Location`; nil unless it names an upload. Host and path before it are not followed:
    /// bytes go only to the server that the route names.
    static func parse(location: String) -> String? {
        let parts = location.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[parts.count - 2] == directory, let last = parts.last,
            Digest(hex: String(last)) != nil
        else { return nil }
        return String(last)
    }
}
