/// The `surface_hash` of audit records (`cep.md`, section 7.1).
///
/// Identifies a surface, not an object: two envelopes with the same name and the same fields have the same hash.
public enum SurfaceHash {
    /// The hash of a name and of what the manifest says; its `description` is the form of the records.
    ///
    /// - Parameters:
    ///   - fileName: The name as it lay in the lane.
    ///   - manifest: The manifest's fields once verification has succeeded; nil at intake, and when it has failed.
    public static func digest(fileName: String, manifest: ManifestSurface? = nil) -> Digest {
        Digest(of: hashedText(fileName: fileName, manifest: manifest).utf8)
    }

    /// The JSON text whose bytes are hashed: sorted keys, no spaces, pure ASCII.
    static func hashedText(fileName: String, manifest: ManifestSurface?) -> String {
        let fields: [SurfaceField] = [.context, .priority, .profile, .timeFragment]
        let members = fields.map { field in
            let value = manifest?[field].map(EscapedJSON.quote) ?? "null"
            return "\"manifest_\(field.rawValue)\":\(value)"
        }
        return "{\"filename\":\(EscapedJSON.quote(fileName)),\(members.joined(separator: ","))}"
    }
}
