resource "aws_ecr_repository" "job" {
  #checkov:skip=CKV_AWS_136:AES256 unless kms_key is given - the image holds no secret
  count = var.batch ? 1 : 0

  name                 = local.job_name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = true # an image is no data: `make image` makes it again
  tags                 = local.tags

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = var.kms_key == null ? "AES256" : "KMS"
    kms_key         = var.kms_key
  }
}

resource "aws_ecr_lifecycle_policy" "job" {
  count = var.batch ? 1 : 0

  repository = aws_ecr_repository.job[0].name
  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "The ten newest images are enough to go back to"
      selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = 10 }
      action       = { type = "expire" }
    }]
  })
}
